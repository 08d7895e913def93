/** <stile-results>: search results, with filters and pages. */
import type {Answer, Item} from '../types'
import {own} from '../own'
import {filtersIn, hasDeepLink, placeOf, readDeepLink, writeDeepLink, type DeepLink, type DeepLinkKind, type Filter} from './deep-link'
import {focusOn, reflect} from './base'
import {boxes} from './boxes'
import {card, skeletonCard} from './card'
import {button, fill, h} from './dom'
import {Facets, noFilters, type Chosen, type Value} from './facets'
import {layoutOf} from './list'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'
import {onNavigation} from './navigation'
import {more, pages} from './paging'
import {PageHistory} from './page-history'
import {plural, type CallError} from './format'
import {queryOf} from './query-text'

/**
 * Attributes:
 * - `query`: set by <stile-search>.
 * - `collection`.
 * - `facets`: separated by commas.
 * - `page-size`: 20 by default.
 * - `sort`.
 * - `mode`: `pages` or `more`.
 * - `layout`: `list` or `grid`.
 * - `link` and `heading-level`: as in <stile-list>.
 * - `deep-link`: `query` or `hash`, see deep-link.ts.
 */
export class StileResults extends Loader<Item[]> {
  static readonly observedAttributes = ['query', 'collection', 'facets', 'page-size', 'sort', 'mode', 'layout', 'link', 'heading-level', 'deep-link']
  declare query: string
  readonly #count = h('p', {part: 'count', role: 'status'})
  readonly #items = h('ul', {part: 'items', role: 'list'})
  readonly #foot = h('div', {part: 'foot'})
  readonly #facets = new Facets(chosen => this.#choose(chosen))
  readonly #columns = h('div', {part: 'columns'}, this.#facets.frame, h('div', {part: 'main'}, this.#items, this.#foot))
  #chosen = noFilters
  /** The order that the visitor chose, "" for the attribute `sort`. */
  #sort = ''
  #pages = new PageHistory()
  #shown: readonly Item[] = []
  /** The parameters that #pages belongs to. null if #pages was just read from the URL. */
  #scope: string | null = ''
  /** The element's query before a deep link was applied. */
  #ownQuery: string | undefined
  #connection!: AbortSignal
  /** The kind of deep link that was read last. null if none was since the element was connected. */
  #kind: DeepLinkKind | null = null
  /** The paths and routes at which the URL contains the search, see placeOf. */
  #places = new Set<string>()
  /** The search that was last read from the URL, or written to it. */
  #linked = ''
  /** Reports that the URL is invalid and must be replaced. */
  #corrects = false
  /** Reports that the visitor has chosen another page, which then gets the focus. */
  #pageChosen = false

  constructor() {
    super()
    this.content.append(this.#count, this.#columns)
  }

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#ownQuery ??= this.query
    this.#connection = signal
    this.#kind = null
  }

  protected override update(): void {
    this.#items.dataset['layout'] = layoutOf(this, ['list', 'grid'])
    this.#layOutFacets()
    if (this.#kind !== this.#deepLink) this.#startLink()
    const scope = JSON.stringify(this.#params())
    if (this.#scope !== null && scope !== this.#scope) this.#pages = new PageHistory()
    this.#scope = scope
    this.#writeURL()
    for (const box of boxes) box.shows(this, false)
    super.update()
  }

  /** The query, within the limits of the API. */
  get #q(): string {
    return queryOf(this.query)
  }

  protected override showSkeleton(): void {
    fill(this.#items, ...Array.from({length: this.#size}, skeletonCard))
  }

  /** Hides the facets, with their column and button, if there is nothing to choose from. */
  #layOutFacets(): void {
    const has = this.#names.length > 0 && !this.#facets.empty
    this.#facets.frame.hidden = !has
    this.#columns.classList.toggle('with-facets', has)
  }

  /** The names of the facets, in the page's order. */
  get #names(): string[] {
    return (this.getAttribute('facets') ?? '').split(',').map(name => name.trim()).filter(Boolean)
  }

  get #size(): number {
    return this.number('page-size', 20, 1, 50)
  }

  #params() {
    const q = this.#q
    return {
      q: q || undefined,
      collection: this.#chosen.collection || this.getAttribute('collection') || undefined,
      ...grouped(this.#chosen.values),
      sort: this.#sort || this.getAttribute('sort') || undefined,
      limit: this.#size,
      facets: this.#names.join() || undefined,
      highlight: q ? 1 : undefined,
    }
  }

  protected override request(): Request {
    return {path: '/v1/items', params: {...this.#params(), cursor: this.#pages.cursor || undefined}}
  }

  protected override show({data, meta}: Answer<Item[]>, isNew: boolean): void {
    const appends = this.#appends && this.#pages.page > 1
    const options = {host: this, link: this.getAttribute('link'), level: this.level, lang: this.text.lang}
    if (isNew) this.#shown = appends ? [...this.#shown, ...data] : data
    if (isNew && appends) this.#items.append(...data.map(item => card(item, options)))
    else fill(this.#items, ...this.#shown.map(item => card(item, options)))
    const total = meta.total ?? this.#shown.length, isMinimum = meta.incomplete?.includes('total')
    this.#count.textContent = total ? this.#countText(total, isMinimum) : ''
    this.#facets.show(this.#names, (meta.facets ?? {}) as Readonly<Record<string, readonly Value[]>>, this.#chosen, this.text)
    this.#layOutFacets()
    fill(this.#foot, this.#appends ? more(this.#shown.length, isMinimum ? 0 : total, meta.next, this.text, cursor => this.#go(this.#pages.next(cursor)))
      : pages(this.#pages, isMinimum ? 0 : Math.ceil(total / this.#size), meta.next, this.text, to => this.#go(to)))
    if (!total) fill(this.note, this.#emptyMessage())
    if (isNew && this.#pageChosen) this.#focusNew(data.length)
  }

  get #appends(): boolean {
    return this.getAttribute('mode') === 'more'
  }

  #countText(total: number, isMinimum: boolean | undefined): string {
    const count = isMinimum ? this.text('results.least', {n: total}) : plural(this.text, 'results.count', total), q = this.#q
    return q ? this.text('results.for', {count, q}) : count
  }

  #emptyMessage(): HTMLElement {
    const q = this.#q, {text} = this
    const title = q ? text('results.noneFor', {q}) : text('results.none')
    if (!this.#chosen.collection && !this.#chosen.values.length) return emptyMessage(title, q && text('results.fewerWords'))
    return emptyMessage(title, text('results.fewerFilters'), button('button', () => {
      focusOn(this.base) // the button disappears
      this.#choose(noFilters)
    }, text('filter.clear')))
  }

  #choose({collection, values}: Chosen): void {
    this.#chosen = {collection, values: filtersIn(values)}
    this.changed()
  }

  #go(to: PageHistory): void {
    this.#pages = to
    this.#pageChosen = true
    this.changed()
  }

  /** Moves the focus to the start of the new page, or to the first item that was added. */
  #focusNew(added: number): void {
    this.#pageChosen = false
    const first = this.#items.children[this.#shown.length - added]
    if (this.#appends) first?.querySelector<HTMLElement>('a,[tabindex]')?.focus()
    else focusOn(this.#count)
  }

  get #deepLink(): DeepLinkKind | null {
    const kind = this.getAttribute('deep-link')
    return kind === 'hash' || kind === 'query' ? kind : null
  }

  /** Starts with the search in the page's URL. */
  #startLink(): void {
    if (!this.#kind) onNavigation(isTraversal => this.#readURL(isTraversal), this.#connection)
    this.#kind = this.#deepLink
    this.#linked = ''
    this.#places.clear()
    if (this.#kind) this.#places.add(placeOf(new URL(location.href), this.#kind))
    this.#readURL(false)
  }

  /**
   * Applies the search in the page's URL. A URL with another path or route, and without a search,
   * is not about this element: a router is about to show another page, or an anchor was followed.
   */
  #readURL(isTraversal: boolean): void {
    const kind = this.#kind
    if (!kind) return
    const url = new URL(location.href), place = placeOf(url, kind)
    if (!this.#places.has(place) && !hasDeepLink(url, kind)) return
    this.#places.add(place)
    const link = this.#linkIn(url, kind), linked = JSON.stringify(link)
    // Otherwise another part of the URL has changed, and the search may be about to be written.
    if (linked === this.#linked && !isTraversal) return
    this.#linked = linked
    if (linked !== JSON.stringify(this.#link)) this.#apply(link)
    for (const box of boxes) box.shows(this, true)
  }

  #apply({q, collection, sort, values, page, cursor}: DeepLink): void {
    if (q !== this.#q) this.query = q!
    this.#chosen = {collection, values}
    this.#sort = sort
    this.#pages = PageHistory.restore(history.state, page, cursor)
    this.#scope = null
    this.changed()
  }

  /** The current search. Its q is never null. Results that are added below are not pages. */
  get #link(): DeepLink {
    const {page, cursor} = this.#appends ? new PageHistory() : this.#pages
    return {q: this.#q, collection: this.#chosen.collection, sort: this.#sort, values: this.#chosen.values, page, cursor}
  }

  /** Returns the search in a URL, in the form of #link. */
  #linkIn(url: URL, kind: DeepLinkKind): DeepLink {
    const link = readDeepLink(url, kind)
    return {...link, q: queryOf(link.q ?? this.#ownQuery ?? ''), ...this.#appends && {page: 1, cursor: ''}}
  }

  /**
   * Adds an entry to the browser's history if the search differs from the one in the page's URL.
   */
  #writeURL(): void {
    const kind = this.#kind, here = new URL(location.href), link = this.#link, linked = JSON.stringify(link)
    const corrects = this.#corrects
    this.#corrects = false
    if (!kind || linked === this.#linked) return
    const there = writeDeepLink(here, kind, {...link, q: link.q === queryOf(this.#ownQuery ?? '') ? null : link.q})
    this.#linked = linked
    this.#places.add(placeOf(there, kind))
    if (linked !== JSON.stringify(this.#linkIn(here, kind))) setEntry(there, this.#pages.cursors, corrects)
  }

  /** Returns to the first page if the server does not accept the cursor of an old deep link. */
  protected override recovers(error: CallError): boolean {
    if (!this.#pages.cursor || error.code !== 'bad_request' || !/^cursor\b/.test((error as {detail?: string}).detail ?? '')) return false
    this.#pages = new PageHistory()
    this.#corrects = true
    this.changed()
    return true
  }
}
reflect(StileResults)

/** Groups values by their parameter. */
function grouped(values: readonly Filter[]): Record<string, string[]> {
  const params: Record<string, string[]> = own()
  for (const [name, value] of values) (params[name] ??= []).push(value)
  return params
}

/**
 * Adds an entry to the browser's history, or replaces the current one. The page's own state stays.
 * Browsers refuse it in some documents, and if it happens too often.
 */
function setEntry(url: URL, cursors: readonly (string | undefined)[], replaces: boolean): void {
  const state: unknown = history.state
  try {
    history[replaces ? 'replaceState' : 'pushState']({...typeof state === 'object' && state, stile: cursors}, '', url)
  } catch { /* The search works without it. */ }
}
