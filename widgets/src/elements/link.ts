/** The links of items, and the event before a link is followed. */
import {SelectEvent} from '../events'
import {doc} from '../doc'
import {own} from '../own'
import {warn} from '../developer'
import type {Item} from '../types'
import {h, type Child} from './dom'

/**
 * Returns the URL of an item. It is the element's attribute `link`, with {id} and {collection}
 * replaced, which leads to the tenant's own page. Without the attribute, it is the item's url.
 * Undefined if the URL is not http or https.
 */
export function itemURL(item: Item, link: string | null): string | undefined {
  const unknown = /\{(?!(id|collection)\})[^}]*\}/.exec(link ?? '')
  if (unknown) warn(`link="${link}": ${unknown[0]} is unknown, use {id} and {collection}`)
  const target = link?.replace(/\{(id|collection)\}/g, (_, key: 'id' | 'collection') => encodeURIComponent(item[key])) ?? item.url
  return webURL(target)?.href
}

/** Resolves a URL against the page's. Undefined if it is not http or https, such as javascript:. */
export function webURL(target: string | null | undefined): URL | undefined {
  if (!target || !URL.canParse(target, doc.baseURI)) return undefined
  const url = new URL(target, doc.baseURI)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/** Elements whose page has ignored the selection of an item without a link. */
const ignoring = new WeakSet<Element>()

/**
 * Returns the content of an item's title: a link or, if the item has no URL, what looks like text
 * and works like a button, for a page that listens to stile:select. Whether a page listens is known
 * only after a selection. If it was ignored, titles without a link are plain text.
 */
export function titleLink(host: HTMLElement, item: Item, link: string | null, ...words: readonly Child[]): HTMLElement {
  const href = itemURL(item, link)
  if (href) return h('a', {part: 'link', href, click: event => select(host, item, event)}, ...words)
  const click = (event: Event) => {
    dispatch(host, item, event, () => ignore(host))
  }
  const keydown = (event: Event) => {
    if (!/^( |Enter)$/.test((event as KeyboardEvent).key)) return
    event.preventDefault() // the space bar scrolls
    click(event)
  }
  return h('span', {part: 'select', click, ...!ignoring.has(host) && {role: 'button', tabindex: 0, keydown}}, ...words)
}

function ignore(host: HTMLElement): void {
  warn(`<${host.localName}>: items have no page, add link="…/{id}" or listen to stile:select`)
  ignoring.add(host)
  for (const title of host.shadowRoot!.querySelectorAll('.select'))
    for (const name of ['role', 'tabindex']) title.removeAttribute(name)
}

/**
 * Dispatches the event before the item's link is followed. If a listener prevents the default, the
 * page shows the item itself. Reports whether the link is followed. There is no event if the link
 * opens in another tab or window: the page stays as it is.
 */
export function select(host: HTMLElement, item: Item, originalEvent: Event): boolean {
  return opensElsewhere(originalEvent) || dispatch(host, item, originalEvent)
}

/** Reports whether an event on a link opens it in another tab or window, or saves it. */
export function opensElsewhere(event: Event): boolean {
  const {ctrlKey, metaKey, shiftKey, altKey, button} = event as MouseEvent
  return ctrlKey || metaKey || shiftKey || altKey || button === 1
}

/**
 * Calls ignored() if no listener has read the item or prevented the default. Reports whether the
 * default is not prevented.
 */
function dispatch(host: HTMLElement, item: Item, originalEvent: Event, ignored?: () => void): boolean {
  const event = new SelectEvent(item, originalEvent)
  const get = () => {
    ignored = undefined
    return item
  }
  Object.defineProperty(event.detail, 'item', own({get, enumerable: true}))
  const follows = host.dispatchEvent(event)
  if (follows) ignored?.()
  else originalEvent.preventDefault()
  return follows
}
