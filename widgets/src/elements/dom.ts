/** Functions that create nodes. They never parse HTML: text stays text. */

import {doc} from '../doc'

type Value = string | number | boolean | undefined | ((event: Event) => void)
/** A child of an element. Values that are not a node or a string are left out. */
export type Child = Node | string | null | undefined | false

/**
 * Creates an element with attributes and children. `part` is its name for ::part() and is added to
 * its classes. A function is a listener for the event of that name. true is an empty attribute;
 * false and undefined are omitted.
 */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, Value> = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const node = doc.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value)
    else if (value === undefined || value === false) continue
    else if (name !== 'class') node.setAttribute(name, value === true ? '' : String(value))
    if (name === 'part' || name === 'class') node.className = `${node.className} ${value}`.trim()
  }
  node.append(...present(children))
  return node
}

function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => Boolean(child))
}

/** Replaces all children of a node. */
export function fill(node: Element, ...children: readonly Child[]): void {
  node.replaceChildren(...present(children))
}

/** Creates a button. */
export function button(part: string, click: (event: Event) => void, ...children: readonly Child[]): HTMLButtonElement {
  return h('button', {part, type: 'button', click}, ...children)
}

const svg = 'http://www.w3.org/2000/svg'

/** Creates a decorative line drawing of 24 by 24 units. */
export function icon(path: string): SVGElement {
  const drawing = doc.createElementNS(svg, 'svg')
  drawing.setAttribute('viewBox', '0 0 24 24')
  drawing.setAttribute('aria-hidden', 'true')
  const line = doc.createElementNS(svg, 'path')
  line.setAttribute('d', path)
  drawing.append(line)
  return drawing
}

/** The paths of the icons. */
export const icons = {
  search: 'M20 20l-4.5-4.5M17.5 10.5a7 7 0 1 1-14 0 7 7 0 0 1 14 0z',
  cross: 'M6 6l12 12M18 6L6 18',
  back: 'M14.5 6l-6 6 6 6',
  next: 'M9.5 6l6 6-6 6',
  down: 'M6 9.5l6 6 6-6',
}
