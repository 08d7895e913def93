/**
 * The body of an item. The server has sanitised it. This is a second line of defence, so that an
 * error there can't run scripts here. The parsed HTML is not inserted into the page. Only the
 * elements and attributes in the lists below are copied.
 */
import {doc, unclobbered} from '../doc'
import {trusted} from '../page'

const elements = new Set(('p br hr h1 h2 h3 h4 h5 h6 div span b strong i em u s small sub sup mark abbr cite dfn kbd samp var code pre q ' +
  'blockquote figure figcaption ul ol li dl dt dd ins del time ruby rb rp rt table caption thead tbody tfoot tr th td a img').split(' '))

/** Each of them has no effect on elements that it is not meant for. */
const attributes = 'lang dir title datetime start colspan rowspan scope href src alt width height'.split(' ')

/**
 * Returns a copy of the HTML text. Its headings start below the level of the item's title. If the
 * page's policy forbids parsing, it returns nothing, and the item is shown without a body.
 */
export function prose(html: string, level: number): DocumentFragment {
  const copies = new DocumentFragment()
  try {
    copies.append(...copied(unclobbered(new DOMParser().parseFromString(trusted.html(html), 'text/html')).body, level))
  } catch { /* the browser reports the violation to the site */ }
  return copies
}

function copied(parent: Node, level: number): Node[] {
  return [...parent.childNodes].flatMap((node): Node[] => {
    if (node instanceof Text) return [new Text(node.data)]
    return node instanceof HTMLElement && elements.has(node.localName) ? [copy(node, level)] : []
  })
}

function copy(from: HTMLElement, level: number): HTMLElement {
  const heading = /^h(\d)$/.exec(from.localName)
  const to = doc.createElement(heading ? `h${Math.min(6, Math.max(+heading[1]!, level + 1))}` : from.localName)
  for (const name of attributes) {
    const value = from.getAttribute(name)
    if (value !== null && allowed(name, value)) to.setAttribute(name, value)
  }
  to.append(...copied(from, level))
  if (to instanceof HTMLAnchorElement) to.rel = 'nofollow noopener'
  if (to instanceof HTMLImageElement) to.loading = 'lazy'
  return to
}

function allowed(name: string, value: string): boolean {
  return name === 'href' ? /^(https?:\/\/|mailto:)/i.test(value) : name === 'src' ? /^https?:\/\//i.test(value) : true
}
