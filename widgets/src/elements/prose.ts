/**
 * The body of an item. The server has sanitised it; this is a second fence, so
 * that a fault there is no script here: the parsed text is not put into the
 * page, but copied, and only what is listed.
 */
import {trusted} from '../page'
import {h} from './dom'

const kept = new Set(('p br hr h1 h2 h3 h4 h5 h6 div span b strong i em u s small sub sup mark abbr cite dfn kbd samp var code pre q ' +
  'blockquote figure figcaption ul ol li dl dt dd ins del time ruby rb rp rt table caption thead tbody tfoot tr th td a img').split(' '))

/** What goes with all that is in it. Any other element goes alone, and its children stay. */
const dropped = new Set('script style template noscript iframe object embed svg math textarea select title head'.split(' '))

const everywhere = ['lang', 'dir', 'title']
const attributes: Readonly<Record<string, readonly string[]>> = {
  time: ['datetime'], ol: ['start'], th: ['colspan', 'rowspan', 'scope'], td: ['colspan', 'rowspan'],
  a: ['href'], img: ['src', 'alt', 'width', 'height'],
}

/** A copy of the HTML text. Its headings begin below the level of the item's own. */
export function prose(html: string, level: number): DocumentFragment {
  const parsed = new DOMParser().parseFromString(trusted.html(html), 'text/html')
  const copies = document.createDocumentFragment()
  copies.append(...parsed.body.childNodes.length ? copied(parsed.body, level) : [])
  return copies
}

function copied(parent: Node, level: number): Node[] {
  return [...parent.childNodes].flatMap(node => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.nodeValue ?? '')]
    if (!(node instanceof Element) || dropped.has(node.localName)) return []
    const children = copied(node, level)
    return kept.has(node.localName) && node instanceof HTMLElement ? [copy(node, children, level)] : children
  })
}

function copy(from: HTMLElement, children: readonly Node[], level: number): HTMLElement {
  const heading = /^h(\d)$/.exec(from.localName)
  const to = document.createElement(heading ? `h${Math.min(6, Math.max(+heading[1]!, level + 1))}` : from.localName)
  for (const name of [...everywhere, ...attributes[from.localName] ?? []]) {
    const value = from.getAttribute(name)
    if (value !== null && allowed(name, value)) to.setAttribute(name, value)
  }
  to.append(...children)
  return to instanceof HTMLAnchorElement ? outward(to) : to instanceof HTMLImageElement ? calm(to) : to instanceof HTMLTableElement ? scrolling(to) : to
}

function allowed(name: string, value: string): boolean {
  return name === 'href' ? /^(https?:\/\/|mailto:)/i.test(value) : name === 'src' ? /^https?:\/\//i.test(value) : true
}

function outward(link: HTMLAnchorElement): HTMLElement {
  link.rel = 'nofollow noopener'
  return link
}

function calm(image: HTMLImageElement): HTMLElement {
  image.loading = 'lazy'
  image.referrerPolicy = 'no-referrer'
  return image
}

/** A wide table scrolls by itself, by keyboard too. */
function scrolling(table: HTMLElement): HTMLElement {
  return h('div', {class: 'scroll', tabindex: 0}, table)
}
