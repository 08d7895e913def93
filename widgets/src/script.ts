import {doc} from './doc'
import {own} from './own'

declare const STILE_CLASSIC: boolean // set by the build: whether this is a classic script

/**
 * Returns the tag of the running classic script. SVG has script elements too, but without a src.
 */
const running = () => {
  const {currentScript} = doc
  return currentScript instanceof HTMLScriptElement ? currentScript : undefined
}

/** The tag that loaded the layer. A module finds it by its URL. */
const tag = STILE_CLASSIC ? running() : [...doc.scripts].find(script => script.src === import.meta.url)

// dev.mjs can't report this, because its URL is unknown.
if (STILE_CLASSIC && !tag) console.error('[stile] stile.js has no <script> tag of its own: remove type="module", or load stile.mjs')

const url = new URL(STILE_CLASSIC ? tag?.src || location.href : import.meta.url)

export const script = {
  /** The origin that the layer was loaded from. It is the API's, unless `api` is configured. */
  origin: url.origin,
  /** The tag's data attributes. */
  data: own<DOMStringMap>(tag?.dataset) as Readonly<Record<string, string | undefined>>,
  /** Imports a file in the same folder as the layer. */
  load: <T>(file: string): Promise<T> => import(new URL(file, url).href),
}
