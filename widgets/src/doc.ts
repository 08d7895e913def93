/** A proxy handler that reads a document's members from their prototype. */
const byPrototype: ProxyHandler<Document> = {
  get(target, name) {
    const value: unknown = Reflect.get(Document.prototype, name, target)
    return typeof value === 'function' ? value.bind(target) : value
  },
}

/**
 * unclobbered returns the document without the members that its markup defines. Markup can replace
 * any member: after `<img name=currentScript>`, document.currentScript is that image (DOM
 * clobbering).
 */
export const unclobbered = (document: Document): Document => new Proxy(document, byPrototype)

/**
 * The page's document, to use instead of `document`. challenge.mjs does not use it, because its
 * size limit is reached.
 */
export const doc: Document = new Proxy(document, byPrototype)
