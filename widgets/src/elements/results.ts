/** <stile-results>: search results, with filters and pages. */
import type {Answer, Item, Meta} from '../types'
import {own} from '../own'
import {part} from '../part'
import type {Controls, Place} from './controls'
import {filtersIn, hasDeepLink, placeOf, readDeepLink, writeDeepLink, type DeepLink, type DeepLinkKind} from './deep-link'
import {focusOn, reflect} from './base'
import {boxes} from './boxes'
import {skeletonCard} from './card'
import {button, fill, h} from './dom'
import {Facets, noFilters, type Chosen, type Value} from './facets'
import type {Labels} from './labels'
import {layoutOf} from './list'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'
import {onNavigation} from './navigation'
import {more, pages} from './paging'
import {PageHistory} from './page-history'
import {plural, type CallError} from './format'
import {isRange, type Filter} from './filters'
import {queryOf} from './query-text'
import {sortOrders} from './orders'
import {Cards} from './cards'

/** The pause in typing before a search, if the element is `live`, in ms. */
const livePause = 300
/** The pause in typing after which a search is a new entry of the browser's history, in ms. */
const settledPause = 2000

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
 * - `deep-link`: `hash` or `query`, see deep-link.ts.
 * - `attributes`, `card-attributes` and `facet-labels`: as in <stile-list>.
 * - `sort-by`: the sort orders to choose from, separated by commas.
 * - `ranges`: attributes with numbers or dates, separated by commas.
 * - `live`: searches while the visitor types.
 *
 * A <template> in the element is the layout of its items, see template.ts.
 */
export class StileResults extends Loader<Item[]> {
  static readonly observedAttributes = ['query', 'collection', 'facets', 'page-size', 'sort', 'mode', 'layout', 'link', 'heading-level', 'deep-link',
    'attributes', 'card-attributes', 'facet-labels', 'sort-by', 'ranges', 'live']
  declare query: string
  readonly #count = h('p', {part: 'count', role: 'status'})
  readonly #items = h('ul', {part: 'items', role: 'list'})
  readonly #cards = new Cards(this, this.#items)
  readonly #foot = h('div', {part: 'foot'})
  readonly #place: Place = {
    sort: h('div', {part: 'sort', hidden: true}),
    notice: h('div', {part: 'notice', role: 'status'}),
    ranges: h('div', {class: 'ranges'}),
    chooseOrder: order => {
      this.#order = this.#chosenOrder(order)
      this.#settle()
    },
    chooseRange: (of, filters) => this.#choose({...this.#chosen, values: [...this.#chosen.values.filter(([name]) => !isRange(name, of)), ...filters]}),
    searchExactly: () => {
      focusOn(this.base) // the button disappears
      this.#exact = this.#q
      this.#settle()
    },
  }
  #controls: Controls | undefined
  readonly #facets = new Facets(chosen => this.#choose(chosen), this.#place.ranges)
  readonly #columns = h('div', {part: 'columns'}, this.#facets.frame, h('div', {part: 'main'}, this.#items, this.#foot))
  #chosen = noFilters
  /** The sort order that the visitor has chosen, "" for the element's. */
  #order = ''
  /** The query that the visitor wants without corrections. */
  #exact: string | undefined
  #timer = 0
  /** The last search while typing, and when it began. */
  #typed: {readonly q: string; readonly at: number} | undefined
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
  /**
   * Reports that the search replaces the current entry of the browser's history, because its URL is
   * invalid or the visitor is typing.
   */
  #replaces = false
  /** Reports that the visitor has chosen another page, which then gets the focus. */
  #pageChosen = false

  constructor() {
    super()
    this.content.append(h('div', {part: 'head'}, this.#count, this.#place.sort), this.#place.notice, this.#columns)
  }

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#cards.begin(signal, () => this.changed())
    signal.addEventListener('abort', () => clearTimeout(this.#timer))
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

  /** Reports whether the visitor wants the current query without corrections. */
  get #isExact(): boolean {
    return this.#exact === this.#q
  }

  protected override showSkeleton(): void {
    fill(this.#items, ...Array.from({length: this.#size}, skeletonCard))
  }

  /** Hides the facets, with their column and button, if there is nothing to choose from. */
  #layOutFacets(): void {
    const has = this.#names.length + this.names('ranges').length > 0 && !this.#facets.empty
    this.#facets.frame.hidden = !has
    this.#columns.classList.toggle('with-facets', has)
  }

  /** The names of the facets, in the page's order. */
  get #names(): string[] {
    return this.names('facets')
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
      sort: this.#currentOrder || undefined,
      exact: this.#isExact ? 1 : undefined,
      ranges: this.names('ranges').join() || undefined,
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
    const options = this.cardOptions, {labels} = options
    if (isNew) this.#shown = appends ? [...this.#shown, ...data] : data
    if (isNew && appends) this.#cards.add(data, options)
    else this.#cards.show(this.#shown, options)
    const total = meta.total ?? this.#shown.length, isMinimum = meta.incomplete?.includes('total')
    this.#showControls(meta, labels)
    this.#count.textContent = total ? this.#countText(total, isMinimum, this.#controls?.answered(this.#q, meta) ?? this.#q) : ''
    this.#facets.show(this.#names, (meta.facets ?? {}) as Readonly<Record<string, readonly Value[]>>, this.#chosen, this.text, labels)
    this.#layOutFacets()
    fill(this.#foot, this.#appends ? more(this.#shown.length, isMinimum ? 0 : total, meta.next, this.text, cursor => this.#go(this.#pages.next(cursor)))
      : pages(this.#pages, isMinimum ? 0 : Math.ceil(total / this.#size), meta.next, this.text, to => this.#go(to)))
    if (!total) fill(this.note, this.#emptyMessage())
    if (isNew && this.#pageChosen) this.#focusNew(data.length)
  }

  get #appends(): boolean {
    return this.getAttribute('mode') === 'more'
  }

  #countText(total: number, isMinimum: boolean | undefined, q: string): string {
    const count = isMinimum ? this.text('results.least', {n: total}) : plural(this.text, 'results.count', total)
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

  /** Shows the controls that few pages need, when their part is loaded. */
  #showControls(meta: Meta, labels: Labels): void {
    const orders = sortOrders(this, 'sort-by'), ranges = this.names('ranges')
    const loaded = !this.#controls && (orders.length > 1 || ranges.length || meta.corrected || meta.ignored || meta.relaxed) && part<typeof import('./controls')>('controls.mjs', () => this.changed())
    if (loaded) this.#controls = new loaded.Controls(this.shadowRoot!, this.#place)
    this.#controls?.show({q: this.#q, meta, orders, order: this.#currentOrder, ranges, filters: this.#chosen.values, labels, text: this.text})
  }

  #choose({collection, values}: Chosen): void {
    this.#chosen = {collection, values: filtersIn(values)}
    this.#settle()
  }

  /** The sort order of the calls: the visitor's, else the element's, else the first to choose. */
  get #currentOrder(): string {
    return this.#order || this.#ownOrder
  }

  get #ownOrder(): string {
    return sortOrders(this, 'sort')[0] || sortOrders(this, 'sort-by')[0] || ''
  }

  /** Returns "" for the element's own order, and for one that its sort chooser does not have. */
  #chosenOrder(order: string): string {
    const orders = sortOrders(this, 'sort-by')
    return order === this.#ownOrder || orders.length && !orders.includes(order) ? '' : order
  }

  /** Applies a choice. The next typed search is a new entry of the browser's history. */
  #settle(): void {
    this.#typed = undefined
    this.#pageChosen = false
    this.changed()
  }

  /**
   * Searches after a pause in typing, if the element is `live`. Reports whether it is. A query that
   * is shorter than least characters is not searched for, unless it is empty.
   */
  typed(q: string, least: number): boolean {
    if (!this.hasAttribute('live')) return false
    clearTimeout(this.#timer)
    const before = this.query
    if (q !== this.#q && (!q || q.length >= least)) this.#timer = window.setTimeout(() => before === this.query && this.#searchTyped(q), livePause)
    return true
  }

  /**
   * Searches for a query that the visitor is typing. The first search adds an entry to the
   * browser's history, and the others replace it until the visitor pauses.
   */
  #searchTyped(q: string): void {
    const at = performance.now(), last = this.#typed
    this.#replaces = !!last && last.q === this.query && at - last.at < settledPause
    this.#typed = {q, at}
    this.query = q
  }

  #go(to: PageHistory): void {
    this.#pages = to
    this.#settle()
    this.#pageChosen = true
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

  #apply({q, collection, sort, exact, values, page, cursor}: DeepLink): void {
    if (q !== this.#q) this.query = q!
    this.#chosen = {collection, values}
    this.#order = sort
    this.#exact = exact ? q! : undefined
    this.#typed = undefined
    this.#pages = PageHistory.restore(history.state, page, cursor)
    this.#scope = null
    this.changed()
  }

  /** The current search. Its q is never null. Results that are added below are not pages. */
  get #link(): DeepLink {
    const {page, cursor} = this.#appends ? new PageHistory() : this.#pages
    return {q: this.#q, collection: this.#chosen.collection, sort: this.#order, exact: this.#isExact, values: this.#chosen.values, page, cursor}
  }

  /** Returns the search in a URL, in the form of #link. */
  #linkIn(url: URL, kind: DeepLinkKind): DeepLink {
    const link = readDeepLink(url, kind)
    return {...link, q: queryOf(link.q ?? this.#ownQuery ?? ''), sort: this.#chosenOrder(link.sort), ...this.#appends && {page: 1, cursor: ''}}
  }

  /**
   * Adds an entry to the browser's history if the search differs from the one in the page's URL.
   */
  #writeURL(): void {
    const kind = this.#kind, here = new URL(location.href), link = this.#link, linked = JSON.stringify(link)
    const replaces = this.#replaces
    this.#replaces = false
    if (!kind || linked === this.#linked) return
    const there = writeDeepLink(here, kind, {...link, q: link.q === queryOf(this.#ownQuery ?? '') ? null : link.q})
    this.#linked = linked
    this.#places.add(placeOf(there, kind))
    if (linked !== JSON.stringify(this.#linkIn(here, kind))) setEntry(there, this.#pages.cursors, replaces)
  }

  /** Returns to the first page if the server does not accept the cursor of an old deep link. */
  protected override recovers(error: CallError): boolean {
    if (!this.#pages.cursor || error.code !== 'bad_request' || !/^cursor\b/.test((error as {detail?: string}).detail ?? '')) return false
    this.#pages = new PageHistory()
    this.#replaces = true
    this.changed()
    return true
  }
}
reflect(StileResults, ['live'])

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
