/** Making nodes. Nothing here parses text: what is text stays text. */

import {doc} from '../doc'

type Value = string | number | boolean | undefined | ((event: Event) => void)
export type Child = Node | string | null | undefined | false

/**
 * An element with attributes and children. `part` names it for the page's
 * ::part() and is its class too, beside those of `class`; a function listens to
 * the event it is named for; true is an empty attribute; false is none.
 */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, Value> = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const node = doc.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value)
    else if (value === undefined || value === false) continue
    else if (name !== 'class') node.setAttribute(name, value === true ? '' : String(value))
    if (name === 'part' || name === 'class') node.className = `${node.className} ${String(value)}`.trim()
  }
  node.append(...present(children))
  return node
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => Boolean(child))
}

/** Puts children in the place of all that a node has. */
export function fill(node: Element, ...children: readonly Child[]): void {
  node.replaceChildren(...present(children))
}

/** A button that does something. */
export function button(part: string, click: (event: Event) => void, ...children: readonly Child[]): HTMLButtonElement {
  return h('button', {part, type: 'button', click}, ...children)
}

const svg = 'http://www.w3.org/2000/svg'

/** A line drawing of 24 by 24, decoration only. */
export function icon(path: string): SVGElement {
  const drawing = doc.createElementNS(svg, 'svg')
  drawing.setAttribute('viewBox', '0 0 24 24')
  drawing.setAttribute('aria-hidden', 'true')
  const line = doc.createElementNS(svg, 'path')
  line.setAttribute('d', path)
  drawing.append(line)
  return drawing
}

export const icons = {
  search: 'M20 20l-4.5-4.5M17.5 10.5a7 7 0 1 1-14 0 7 7 0 0 1 14 0z',
  cross: 'M6 6l12 12M18 6L6 18',
  back: 'M14.5 6l-6 6 6 6',
  on: 'M9.5 6l6 6-6 6',
  down: 'M6 9.5l6 6 6-6',
}
