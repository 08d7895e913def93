/** Where an item leads, and the event before a visitor goes there. */
import {SelectEvent} from '../events'
import {doc} from '../doc'
import type {Item} from '../types'

/**
 * The address of an item: the element's attribute `link` with {id} and
 * {collection} filled in, which leads to a page of the tenant's own, else the
 * item's url. Undefined where neither is an address of the web.
 */
export function address(item: Item, link: string | null): string | undefined {
  const target = link?.replace(/\{(id|collection)\}/g, (_, key: 'id' | 'collection') => encodeURIComponent(item[key])) ?? item.url
  return web(target)?.href
}

/** A URL of the page's, resolved, if it is one of the web: javascript: is a URL too. */
export function web(target: string | null | undefined): URL | undefined {
  if (!target || !URL.canParse(target, doc.baseURI)) return undefined
  const url = new URL(target, doc.baseURI)
  return /^https?:$/.test(url.protocol) ? url : undefined
}

/** Asks the page before the item's link is followed. A page that prevents it shows the item itself. */
export function choose(host: HTMLElement, item: Item, originalEvent: Event): boolean {
  const goesOn = host.dispatchEvent(new SelectEvent(item, originalEvent))
  if (!goesOn) originalEvent.preventDefault()
  return goesOn
}
