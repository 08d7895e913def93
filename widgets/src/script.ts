/** The tag that brought the layer: a classic script knows it while it runs, a module by its address. */
const tag = (document.currentScript ?? [...document.scripts].find(s => s.src === import.meta.url)) as HTMLScriptElement | null | undefined

const address = new URL(tag?.src || import.meta.url || document.baseURI)

export const script = {
  /** Where the layer came from: the API, unless it is told otherwise. */
  origin: address.origin,
  /** What the tag says. */
  data: {...tag?.dataset} as Readonly<Record<string, string | undefined>>,
  /** The address of a file beside the layer's own. */
  beside: (file: string) => new URL(file, address).href,
}
