/** <stile-results>: search results, with filters and pages. */
import type {Answer, Item} from '../types'
import {doc} from '../doc'
import {own} from '../own'
import {readDeepLink, writeDeepLink, type DeepLinkKind, type Filter} from './deep-link'
import {focusOn, reflect} from './base'
import {card, skeletonCard} from './card'
import {button, fill, h} from './dom'
import {Facets, noFilters, type Chosen, type Value} from './facets'
import {layoutOf} from './list'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'
import {more, pages} from './paging'
import {PageHistory} from './page-history'
import {plural} from './format'

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
  #pages = new PageHistory()
  #shown: readonly Item[] = []
  /** The parameters that #pages belongs to. null if #pages was just read from the URL. */
  #scope: string | null = ''
  /** The element's query before a deep link was applied. */
  #ownQuery: string | undefined
  /** Reports that the visitor has chosen another page, which then gets the focus. */
  #pageChosen = false

  constructor() {
    super()
    this.content.append(this.#count, this.#columns)
  }

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#ownQuery ??= this.query
    addEventListener('popstate', event => this.#readURL(event.state), {signal})
    this.#readURL(history.state)
  }

  protected override update(): void {
    this.#items.dataset['layout'] = layoutOf(this, ['list', 'grid'])
    this.#layOutFacets()
    const scope = JSON.stringify(this.#params())
    if (this.#scope !== null && scope !== this.#scope) this.#pages = new PageHistory()
    this.#scope = scope
    this.#writeURL()
    for (const search of doc.querySelectorAll<HTMLElement & {shows?(results: Element): void}>('stile-search')) search.shows?.(this)
    super.update()
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
    const q = this.query.trim()
    return {
      q: q || undefined,
      collection: this.#chosen.collection || this.getAttribute('collection') || undefined,
      ...grouped(this.#chosen.values),
      sort: this.getAttribute('sort') || undefined,
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
    const options = {host: this, link: this.getAttribute('link'), level: this.level}
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
    const count = isMinimum ? this.text('results.least', {n: total}) : plural(this.text, 'results.count', total), q = this.query.trim()
    return q ? this.text('results.for', {count, q}) : count
  }

  #emptyMessage(): HTMLElement {
    const q = this.query.trim(), {text} = this
    const title = q ? text('results.noneFor', {q}) : text('results.none')
    if (!this.#chosen.collection && !this.#chosen.values.length) return emptyMessage(title, q && text('results.fewerWords'))
    return emptyMessage(title, text('results.fewerFilters'), button('button', () => {
      focusOn(this.base) // the button disappears
      this.#choose(noFilters)
    }, text('filter.clear')))
  }

  #choose(chosen: Chosen): void {
    this.#chosen = chosen
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
    if (this.#appends) first?.querySelector('a')?.focus()
    else focusOn(this.#count)
  }

  get #deepLink(): DeepLinkKind | null {
    const kind = this.getAttribute('deep-link')
    return kind === 'hash' || kind === 'query' ? kind : null
  }

  /** Applies the search in the page's URL. */
  #readURL(state: unknown): void {
    if (!this.#deepLink) return
    const {q, collection, values, page, cursor} = readDeepLink(new URL(location.href), this.#deepLink)
    const query = q ?? this.#ownQuery ?? ''
    if (query !== this.query) this.query = query
    this.#chosen = {collection, values}
    this.#pages = this.#appends ? new PageHistory() : PageHistory.restore(state, page, cursor)
    this.#scope = null
    this.changed()
  }

  /**
   * Adds an entry to the browser's history if the search differs from the one in the page's URL.
   */
  #writeURL(): void {
    if (!this.#deepLink) return
    const here = new URL(location.href), q = this.query.trim()
    const current = this.#appends ? new PageHistory() : this.#pages
    const there = writeDeepLink(here, this.#deepLink, {q: q === this.#ownQuery ? null : q, ...this.#chosen, page: current.page, cursor: current.cursor})
    if (isSameSearch(here, there, this.#deepLink)) return
    history.pushState({...history.state as object | null, stile: current.cursors}, '', there)
  }
}
reflect(StileResults)

/** Groups values by their parameter. */
function grouped(values: readonly Filter[]): Record<string, string[]> {
  const params: Record<string, string[]> = own()
  for (const [name, value] of values) (params[name] ??= []).push(value)
  return params
}

/** Reports whether two URLs contain the same search, even if they are spelt differently. */
function isSameSearch(a: URL, b: URL, kind: DeepLinkKind): boolean {
  return JSON.stringify(readDeepLink(a, kind)) === JSON.stringify(readDeepLink(b, kind))
}
