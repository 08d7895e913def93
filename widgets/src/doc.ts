/** Reads a document's members by their prototype. */
const byPrototype: ProxyHandler<Document> = {
  get(target, name) {
    const value: unknown = Reflect.get(Document.prototype, name, target)
    return typeof value === 'function' ? value.bind(target) : value
  },
}

/**
 * genuine is a document without what its markup names. Markup can put an element in the place of any
 * member: `<img name=currentScript>` is document.currentScript, `<form name=head>` is document.head.
 */
export const genuine = (document: Document): Document => new Proxy(document, byPrototype)

/** The page's document, to be read in place of `document`. challenge.mjs does without it: its size limit has no room. */
export const doc: Document = new Proxy(document, byPrototype)
