/**
 * The body of an item. This is the module prose.mjs, which is loaded on demand. It must not import
 * the core. The server has sanitised it. This is a second line of defence, so that an
 * error there can't run scripts here. The parsed HTML is not inserted into the page. Only the
 * elements and attributes in the lists below are copied.
 */
import {doc, unclobbered} from '../doc'
import type {Trusted} from '../types'
import {styles} from './styles'

/** Adds the styles of a complete item to an element's shadow root. */
export const addStyles = styles(`
.header>*{text-align:start}
.header p{justify-self:self-start}
.header .summary{font-size:clamp(1.1em,1em + .7cqi,1.3em);line-height:1.45;max-inline-size:38em}
.aside{display:grid;gap:1.5em;align-content:start}
.tag{padding:.2em .8em;border:1px solid var(--l);border-radius:99px;font-size:.875em}
.body{max-inline-size:68ch;line-height:1.65}
.body>:first-child{margin-block-start:0}
.body img{max-inline-size:100%;block-size:auto}
blockquote{margin-inline:0;padding-inline-start:1.1em;border-inline-start:3px solid var(--l)}
.body,pre{overflow:auto}
table{border-collapse:collapse}
:is(th,td){padding:.45em .8em;padding-inline-start:0;border-block-end:1px solid var(--l);text-align:start}
`)

const elements = new Set(('p br hr h1 h2 h3 h4 h5 h6 div span b strong i em u s small sub sup mark abbr cite dfn kbd samp var code pre q ' +
  'blockquote figure figcaption ul ol li dl dt dd ins del time ruby rb rp rt table caption thead tbody tfoot tr th td a img').split(' '))

/** Each of them has no effect on elements that it is not meant for. */
const attributes = 'lang dir title datetime start colspan rowspan scope href src alt width height'.split(' ')

/**
 * Returns a copy of the HTML text. Its headings start below the level of the item's title. If the
 * page's policy forbids parsing, it returns nothing, and the item is shown without a body.
 */
export function prose(html: string, level: number, trusted: Trusted): DocumentFragment {
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

/**
 * Reports whether a body starts with its summary, which is then not shown. The server makes missing
 * summaries from the beginning of the body.
 */
export function startsWith(body: Element, summary: string): boolean {
  const compact = (text: string | null) => text!.replace(/\s|…$/g, '')
  return compact(body.textContent).startsWith(compact(summary))
}
