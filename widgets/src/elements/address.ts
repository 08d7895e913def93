/**
 * What is looked for, in the address of the page, so that it can be linked to
 * and the browser's back and forward work. Opt-in: `deep-link="query"` keeps it
 * in the query (?q=plum&tag=cake&attribute.course=Dessert&page=2&cursor=…),
 * beside parameters of the page's own; `deep-link="hash"` in the hash, for pages that have one address.
 * One element of a page can have it.
 */

/** What an item must have, as the API's parameter: ['tag', 'cake'], ['attribute.course', 'Dessert']. */
export type Has = readonly [name: string, value: string]

export interface Place {
  /** null where the address says nothing: the element's own then. */
  readonly q: string | null
  readonly collection: string
  readonly values: readonly Has[]
  /** From 1. */
  readonly page: number
  /** Of the page; "" for the first. */
  readonly cursor: string
}

export type Kind = 'hash' | 'query'

const names = /^(q|collection|page|cursor)$/, having = /^(tag$|attribute\.)/

/** Reads the place in an address. A page without a cursor is the first. */
export function read(url: URL, kind: Kind): Place {
  const params = kind === 'hash' ? new URLSearchParams(url.hash.slice(1)) : url.searchParams
  const cursor = params.get('cursor') ?? ''
  return {
    q: params.get('q'),
    collection: params.get('collection') ?? '',
    values: [...params].filter(([name]) => having.test(name)),
    page: cursor ? Math.max(2, parseInt(params.get('page') ?? '', 10) || 2) : 1,
    cursor,
  }
}

/** The address with this place in it. */
export function write(url: URL, kind: Kind, place: Place): URL {
  const to = new URL(url)
  const params = kind === 'hash' ? new URLSearchParams() : to.searchParams
  for (const name of [...params.keys()]) if (names.test(name) || having.test(name)) params.delete(name)
  if (place.q !== null) params.set('q', place.q)
  if (place.collection) params.set('collection', place.collection)
  for (const has of place.values) params.append(...has)
  if (place.cursor) {
    params.set('page', String(place.page))
    params.set('cursor', place.cursor)
  }
  if (kind === 'hash') to.hash = params.toString()
  return to
}
