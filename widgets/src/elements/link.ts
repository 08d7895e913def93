/** The links of items, and the event before a link is followed. */
import {SelectEvent} from '../events'
import {doc} from '../doc'
import type {Item} from '../types'

/**
 * Returns the URL of an item. It is the element's attribute `link`, with {id} and {collection}
 * replaced, which leads to the tenant's own page. Without the attribute, it is the item's url.
 * Undefined if the URL is not http or https.
 */
export function itemURL(item: Item, link: string | null): string | undefined {
  const target = link?.replace(/\{(id|collection)\}/g, (_, key: 'id' | 'collection') => encodeURIComponent(item[key])) ?? item.url
  return webURL(target)?.href
}

/** Resolves a URL against the page's. Undefined if it is not http or https, such as javascript:. */
export function webURL(target: string | null | undefined): URL | undefined {
  if (!target || !URL.canParse(target, doc.baseURI)) return undefined
  const url = new URL(target, doc.baseURI)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/**
 * Dispatches the event before the item's link is followed. If a listener prevents the default, the
 * page shows the item itself. Reports whether the link is followed.
 */
export function select(host: HTMLElement, item: Item, originalEvent: Event): boolean {
  const follows = host.dispatchEvent(new SelectEvent(item, originalEvent))
  if (!follows) originalEvent.preventDefault()
  return follows
}
