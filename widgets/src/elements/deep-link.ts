/**
 * Deep links store the search in the page's URL. Visitors can link to a search, and the browser's
 * back and forward buttons work. `deep-link="query"` stores it in the query
 * (?q=plum&tag=cake&attribute.course=Dessert&page=2&cursor=…), together with the page's own
 * parameters. `deep-link="hash"` stores it in the hash, for pages that have only one URL. Only one
 * element of a page can have deep links.
 */

/** A filter, as a parameter of the API: ['tag', 'cake'], ['attribute.course', 'Dessert']. */
export type Filter = readonly [name: string, value: string]

/** The search that a URL contains. */
export interface DeepLink {
  /** null if the URL has none. Then the element's own query applies. */
  readonly q: string | null
  readonly collection: string
  readonly values: readonly Filter[]
  /** The sort order that the visitor has chosen, or "". */
  readonly sort: string
  /** Reports that the query must not be corrected. */
  readonly exact: boolean
  /** The number of the page, from 1. */
  readonly page: number
  /** The cursor of the page, "" for the first page. */
  readonly cursor: string
}

/** The part of the URL that contains the search. */
export type DeepLinkKind = 'hash' | 'query'

const names = /^(q|collection|sort|exact|page|cursor)$/, filters = /^(tag$|attribute\.|min\.|max\.)/

/** Returns the search in a URL. Without a cursor, the page is the first. */
export function readDeepLink(url: URL, kind: DeepLinkKind): DeepLink {
  const params = kind === 'hash' ? new URLSearchParams(url.hash.slice(1)) : url.searchParams
  const cursor = params.get('cursor') ?? ''
  return {
    q: params.get('q'),
    collection: params.get('collection') ?? '',
    values: [...params].filter(([name]) => filters.test(name)),
    sort: params.get('sort') ?? '',
    exact: params.get('exact') === '1',
    page: cursor ? Math.max(2, parseInt(params.get('page') ?? '', 10) || 2) : 1,
    cursor,
  }
}

/** Returns the URL with this search in it. */
export function writeDeepLink(url: URL, kind: DeepLinkKind, link: DeepLink): URL {
  const to = new URL(url)
  const params = kind === 'hash' ? new URLSearchParams() : to.searchParams
  for (const name of [...params.keys()]) if (names.test(name) || filters.test(name)) params.delete(name)
  if (link.q !== null) params.set('q', link.q)
  if (link.collection) params.set('collection', link.collection)
  for (const filter of link.values) params.append(...filter)
  if (link.sort) params.set('sort', link.sort)
  if (link.exact) params.set('exact', '1')
  if (link.cursor) {
    params.set('page', String(link.page))
    params.set('cursor', link.cursor)
  }
  if (kind === 'hash') to.hash = params.toString()
  return to
}
