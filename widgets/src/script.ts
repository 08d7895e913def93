import {doc} from './doc'
import {own} from './own'

declare const STILE_CLASSIC: boolean // set by the build: this is a classic script, not a module

/** A classic script knows its tag while it runs. SVG has script elements too, without a src. */
const running = () => {
  const {currentScript} = doc
  return currentScript instanceof HTMLScriptElement ? currentScript : undefined
}

/** The tag that brought the layer: a module knows it by its URL. */
const tag = STILE_CLASSIC ? running() : [...doc.scripts].find(script => script.src === import.meta.url)

const address = new URL(STILE_CLASSIC ? tag?.src || location.href : import.meta.url)

export const script = {
  /** Where the layer came from: the API, unless it is told otherwise. */
  origin: address.origin,
  /** What the tag says. */
  data: own<DOMStringMap>(tag?.dataset) as Readonly<Record<string, string | undefined>>,
  /** The address of a file beside the layer's own. */
  beside: (file: string) => new URL(file, address).href,
}
