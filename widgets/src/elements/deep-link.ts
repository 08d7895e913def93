/**
 * Deep links store the search in the page's URL. Visitors can link to a search, and the browser's
 * back and forward buttons work. `deep-link="query"` stores it in the query
 * (?q=plum&tag=cake&attribute.course=Dessert&page=2&cursor=…). `deep-link="hash"` stores it in the
 * hash, for pages that have only one URL. Everything else in the URL is the page's, and keeps its
 * spelling: other parameters, and in the hash also the route of a router or the name of an anchor
 * (#/recipes?q=plum). Only one element of a page can have deep links.
 */

import {own} from '../own'
import {sorts, validFilters, type Filter} from './filters'

/** The search that a URL contains. */
export interface DeepLink {
  /** null if the URL has none. Then the element's own query applies. */
  readonly q: string | null
  readonly collection: string
  /** The order that the visitor chose, "" if it is the element's. */
  readonly sort: string
  readonly values: readonly Filter[]
  /** Reports that the query must not be corrected. */
  readonly exact: boolean
  /** The number of the page, from 1. */
  readonly page: number
  /** The cursor of the page, "" for the first page. */
  readonly cursor: string
}

/** The part of the URL that contains the search. */
export type DeepLinkKind = 'hash' | 'query'

/** The maximum number of filters of one kind. The API refuses more. */
const maxFilters = 8

const filter = /^(tag$|(?:attribute|min|max)\.)/

/**
 * Reports whether a parameter belongs to a deep link. The page's own parameters with the names
 * `sort` and `exact` do not.
 */
const isOurs = ([name, value]: Filter) => name === 'sort' ? sorts.includes(value) : name === 'exact' ? value === '1' : /^(q|collection|page|cursor)$/.test(name) || filter.test(name)

/** The parts of a hash. */
interface Hash {
  /** What the page's router or an anchor uses, such as "/recipes". */
  readonly route: string
  /** The parameters after the route, or the complete hash if it begins with a parameter. */
  readonly params: string
}

/** Splits a URL's hash: #/recipes?q=plum, #top, #q=plum. */
export function hashOf(url: URL): Hash {
  const [, route = '', params = ''] = /^(?:(?![^/?&]*=)([^?]*)\??)?(.*)/.exec(url.hash.slice(1))!
  return {route, params}
}

const paramsIn = (url: URL, kind: DeepLinkKind) => kind === 'hash' ? hashOf(url).params : url.search.slice(1)

const oursIn = (params: string): Filter[] => [...new URLSearchParams(params)].filter(isOurs)

/** Returns what identifies the part of a site that a URL leads to: its path, and its route. */
export function placeOf(url: URL, kind: DeepLinkKind): string {
  return kind === 'hash' ? `${url.pathname}#${hashOf(url).route}` : url.pathname
}

/** Reports whether a URL contains a search. */
export function hasDeepLink(url: URL, kind: DeepLinkKind): boolean {
  return oursIn(paramsIn(url, kind)).length > 0
}

/** Returns the parameters that are filters. Of more than the API accepts, these are the first. */
export function filtersIn(params: readonly Filter[]): Filter[] {
  const seen: Record<string, number> = own()
  return params.filter(([name]) => {
    const group = filter.exec(name)?.[1]
    return group && (seen[group] = (seen[group] ?? 0) + 1) <= maxFilters
  })
}

/** Returns the search in a URL. Without a cursor, the page is the first. */
export function readDeepLink(url: URL, kind: DeepLinkKind): DeepLink {
  const ours = oursIn(paramsIn(url, kind)), first = (name: string) => ours.find(([of]) => of === name)?.[1]
  const cursor = first('cursor') ?? ''
  return {
    q: first('q') ?? null,
    collection: first('collection') ?? '',
    sort: first('sort') ?? '',
    exact: first('exact') === '1',
    values: validFilters(filtersIn(ours)),
    page: cursor ? Math.max(2, parseInt(first('page') ?? '', 10) || 2) : 1,
    cursor,
  }
}

/** Returns the URL with this search in it. */
export function writeDeepLink(url: URL, kind: DeepLinkKind, link: DeepLink): URL {
  const to = new URL(url), ours = new URLSearchParams()
  const theirs = paramsIn(url, kind).split('&').filter(param => param && !oursIn(param).length)
  if (link.q !== null) ours.set('q', link.q)
  if (link.collection) ours.set('collection', link.collection)
  if (link.sort) ours.set('sort', link.sort)
  if (link.exact) ours.set('exact', '1')
  for (const value of link.values) ours.append(...value)
  if (link.cursor) {
    ours.set('page', String(link.page))
    ours.set('cursor', link.cursor)
  }
  const params = [...theirs, ours.toString()].filter(Boolean).join('&')
  if (kind === 'query') to.search = params
  else to.hash = [hashOf(url).route, params].filter(Boolean).join('?')
  return to
}
