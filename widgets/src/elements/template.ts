/**
 * Own cards: a <template> in an element is the page's layout for its items.
 *
 * The cards are children of the element, not of its shadow root, so that the page's style sheets
 * apply. A policy may forbid styles that a template contains. Each card is shown by a slot in the
 * element's list.
 *
 * `data-field` fills a node with a field of the item, and `data-if` keeps a node only if a field
 * has a value. Fields are never parsed as HTML. Scripts and styles in a template are not copied: a
 * script that another script inserts would escape a policy with 'strict-dynamic', and a text in
 * them would be code.
 *
 * This is the module template.mjs, which is loaded on demand. It must not import the core.
 */
import {doc} from '../doc'
import type {Item} from '../types'
import {attributeOf, textOf} from './attributes'
import type {CardOptions} from './card'
import {fill, h} from './dom'
import {formatDate} from './format'
import {highlighted} from './highlight'
import {styles} from './styles'
import type * as links from './link'

/** What own cards need of the core: messages for the page's developer, and links. */
export interface Tools extends Pick<typeof links, 'itemURL' | 'select' | 'webURL'> {
  warn(text: string): void
}

/** Adds the styles of the list of own cards to an element's shadow root. */
const addStyles = styles(`
.own.own{display:block;padding:0;border:0}
.items:has(.own){border:0}
`)

/** OwnCards are the own cards of one element. */
export class OwnCards {
  readonly #cards: HTMLElement[] = []
  readonly #observer: MutationObserver
  #template: HTMLTemplateElement | undefined

  /** changed is called when the template's content changes. */
  constructor(readonly host: HTMLElement, changed: () => void, readonly tools: Tools) {
    this.#observer = new MutationObserver(changed)
    addStyles(host.shadowRoot!)
  }

  /** Stops the observation of the template, until the next card. */
  end(): void {
    this.#observer.disconnect()
    this.#template = undefined
  }

  /** Reports whether changed children of the element are the template or own cards. */
  concerns(records: readonly MutationRecord[]): boolean {
    const isTemplate = (node: Node) => node instanceof HTMLTemplateElement
    return records.some(({addedNodes, removedNodes}) => [...addedNodes, ...removedNodes].some(isTemplate)) ||
      this.#cards.some(({parentNode}) => parentNode !== this.host)
  }

  /** Returns the list entry for an own card, which becomes a child of the element. */
  card(template: HTMLTemplateElement, item: Item, options: CardOptions): HTMLElement {
    this.#observe(template)
    const name = `card-${this.#cards.length}`, own = h('div', {class: 'stile-card', slot: name}, copyOf(template))
    fillIn(own, item, options, this.tools)
    this.host.append(own)
    this.#cards.push(own)
    return h('li', {part: 'card own'}, h('slot', {name}))
  }

  /** Removes all own cards, and those in a copy of the element, such as a router's snapshot. */
  remove(): void {
    for (const child of [...this.host.children]) if (child.matches('.stile-card[slot^=card-]')) child.remove()
    this.#cards.length = 0
  }

  #observe(template: HTMLTemplateElement): void {
    if (template === this.#template) return
    this.end()
    this.#template = template
    for (const node of [template, template.content]) this.#observer.observe(node, {childList: true, subtree: true, characterData: true, attributes: true})
  }
}

/**
 * Returns a copy of a template's content. Frameworks that create a <template> with their own calls
 * append its children to the element itself.
 */
function copyOf(template: HTMLTemplateElement): DocumentFragment {
  const copy = new DocumentFragment()
  copyChildren(template.content.childElementCount ? template.content : template, copy)
  return copy
}

/**
 * Copies texts and elements one by one. A clone would contain shadow roots, also closed ones, with
 * the scripts in them. A form's children can hide its properties, so prototypes have the getters.
 */
function copyChildren(from: Node, to: Node): void {
  for (const node of Reflect.get(Node.prototype, 'childNodes', from) as NodeListOf<ChildNode>) {
    if (node instanceof Text) to.appendChild(doc.createTextNode(node.data))
    if (!(node instanceof Element)) continue
    const get = <K extends keyof Element>(name: K) => Reflect.get(Element.prototype, name, node) as Element[K]
    if (/^(script|style)$/i.test(get('localName'))) continue
    const copy = doc.createElementNS(get('namespaceURI'), get('localName'))
    for (const attribute of get('attributes')) copy.setAttributeNode(attribute.cloneNode() as Attr)
    copyChildren(node, copy)
    to.appendChild(copy)
  }
}

function fillIn(own: HTMLElement, item: Item, options: CardOptions, tools: Tools): void {
  for (const node of own.querySelectorAll('[data-if]')) {
    const [, not, field] = /^(!?)(.*)$/s.exec(node.getAttribute('data-if')!)!
    if (hasValue(valueOf(item, field!, options, tools)) === Boolean(not)) node.remove()
  }
  for (const node of own.querySelectorAll('[data-field]')) put(node, node.getAttribute('data-field')!, item, options, tools)
  for (const node of own.querySelectorAll('[data-select]')) node.addEventListener('click', event => tools.select(options.host, item, event))
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && !(Array.isArray(value) && !value.length)
}

const plainFields = ['id', 'collection', 'title', 'summary', 'tags', 'published_at', 'updated_at']

/** Returns a field of an item. URLs are http or https, or undefined. */
function valueOf(item: Item, field: string, {link}: CardOptions, tools: Tools): unknown {
  if (field.startsWith('attributes.')) return attributeOf(item.attributes, field.slice(11))
  if (field === 'link') return tools.itemURL(item, link)
  if (field === 'url' || field === 'image') return tools.webURL(item[field])?.href
  if (plainFields.includes(field)) return item[field as keyof Item]
  tools.warn(`data-field and data-if: "${field}" must be one of ${plainFields.join(', ')}, link, url, image, attributes.NAME`)
  return undefined
}

/** Shows a field in a node, according to the kind of the node. */
function put(node: Element, field: string, item: Item, options: CardOptions, tools: Tools): void {
  const value = valueOf(item, field, options, tools)
  if (node instanceof HTMLImageElement) return putImage(node, value)
  if (node instanceof HTMLAnchorElement && (field === 'link' || field === 'url' || isURL(value))) {
    if (isURL(value)) node.href = value
    else node.removeAttribute('href')
    if (field === 'link' || field === 'url') node.addEventListener('click', event => tools.select(options.host, item, event))
    if (!node.childNodes.length) fill(node, ...nodesOf('title', item.title, item, options))
    return
  }
  if (node instanceof HTMLTimeElement && typeof value === 'string') node.dateTime = value
  if (!node.hasAttribute('dir')) node.setAttribute('dir', 'auto')
  fill(node, ...nodesOf(field, value, item, options))
}

function isURL(value: unknown): value is string {
  return typeof value === 'string' && /^https?:/i.test(value)
}

/**
 * Shows a picture. One without a source, or that fails to load, is removed. Without an alternative
 * text in the template it is decorative, because the title names the item.
 */
function putImage(image: HTMLImageElement, value: unknown): void {
  if (!isURL(value)) return image.remove()
  image.addEventListener('error', () => image.remove())
  for (const [name, byDefault] of [['alt', ''], ['loading', 'lazy'], ['referrerpolicy', 'no-referrer']] as const)
    if (!image.hasAttribute(name)) image.setAttribute(name, byDefault)
  image.src = value
}

/** Returns the text of a field, with the words of the search marked. */
function nodesOf(field: string, value: unknown, item: Item, {lang, labels}: CardOptions): (string | Node)[] {
  if (item.highlight && (field === 'title' || field === 'summary')) return highlighted(item.highlight[field])
  if (field.endsWith('ed_at')) return [formatDate(value as string | undefined, lang)]
  if (plainFields.includes(field) && typeof value === 'string' && field !== 'collection') return [value]
  return [textOf(field.replace(/^attributes\./, ''), value, lang, labels)]
}
