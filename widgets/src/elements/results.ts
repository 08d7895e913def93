/** <stile-results>: what a search found, to narrow and to leaf through. */
import type {Answer, Item} from '../types'
import {doc} from '../doc'
import {own} from '../own'
import {read, write, type Has, type Kind} from './address'
import {focusOn, reflect} from './base'
import {boneCard, card} from './card'
import {button, fill, h} from './dom'
import {Facets, nothing, type Chosen, type Value} from './facets'
import {layoutOf} from './list'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'
import {more, pages} from './paging'
import {Trail} from './trail'
import {plural} from './words'

/**
 * Attributes: `query` (a <stile-search> sets it), `collection`, `facets`
 * (commas between), `page-size` (20), `sort`, `mode` (`pages`, `more`),
 * `layout` (`list`, `grid`), `link` and `heading-level` as of <stile-list>,
 * `deep-link` (`hash`, `query`): see address.ts.
 */
export class StileResults extends Loader<Item[]> {
  static readonly observedAttributes = ['query', 'collection', 'facets', 'page-size', 'sort', 'mode', 'layout', 'link', 'heading-level', 'deep-link']
  declare query: string
  readonly #count = h('p', {part: 'count', role: 'status'})
  readonly #items = h('ul', {part: 'items', role: 'list'})
  readonly #foot = h('div', {part: 'foot'})
  readonly #facets = new Facets(chosen => this.#choose(chosen))
  readonly #columns = h('div', {part: 'columns'}, this.#facets.frame, h('div', {part: 'main'}, this.#items, this.#foot))
  #chosen = nothing
  #trail = new Trail()
  #shown: readonly Item[] = []
  /** What the trail leads through; null where it has just been read from the address. */
  #scope: string | null = ''
  /** What the query was before the address of the page said anything. */
  #first: string | undefined
  /** Whether a visitor has asked for another page, and looks for it. */
  #leafed = false

  constructor() {
    super()
    this.content.append(this.#count, this.#columns)
  }

  protected override begin(life: AbortSignal): void {
    super.begin(life)
    this.#first ??= this.query
    addEventListener('popstate', event => this.#arrive(event.state), {signal: life})
    this.#arrive(history.state)
  }

  protected override update(): void {
    this.#items.dataset['layout'] = layoutOf(this, ['list', 'grid'])
    this.#layOut()
    const scope = JSON.stringify(this.#params())
    if (this.#scope !== null && scope !== this.#scope) this.#trail = new Trail()
    this.#scope = scope
    this.#keepAddress()
    for (const search of doc.querySelectorAll<HTMLElement & {shows?(results: Element): void}>('stile-search')) search.shows?.(this)
    super.update()
  }

  protected override wait(): void {
    fill(this.#items, ...Array.from({length: this.#size}, boneCard))
  }

  /** Gives the facets no column, and no button, where there is nothing to choose from. */
  #layOut(): void {
    const has = this.#names.length > 0 && !this.#facets.empty
    this.#facets.frame.hidden = !has
    this.#columns.classList.toggle('with-facets', has)
  }

  /** The names of the facets, as the page orders them. */
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
    return {path: '/v1/items', params: {...this.#params(), cursor: this.#trail.cursor || undefined}}
  }

  protected override show({data, meta}: Answer<Item[]>, fresh: boolean): void {
    const appends = this.#appends && this.#trail.page > 1
    const options = {host: this, link: this.getAttribute('link'), level: this.level}
    if (fresh) this.#shown = appends ? [...this.#shown, ...data] : data
    if (fresh && appends) this.#items.append(...data.map(item => card(item, options)))
    else fill(this.#items, ...this.#shown.map(item => card(item, options)))
    const total = meta.total ?? this.#shown.length, least = meta.incomplete?.includes('total')
    this.#count.textContent = total ? this.#counted(total, least) : ''
    this.#facets.show(this.#names, (meta.facets ?? {}) as Readonly<Record<string, readonly Value[]>>, this.#chosen, this.text)
    this.#layOut()
    fill(this.#foot, this.#appends ? more(this.#shown.length, least ? 0 : total, meta.next, this.text, cursor => this.#go(this.#trail.next(cursor)))
      : pages(this.#trail, meta.next, this.text, to => this.#go(to)))
    if (!total) fill(this.note, this.#empty())
    if (fresh && this.#leafed) this.#look(data.length)
  }

  get #appends(): boolean {
    return this.getAttribute('mode') === 'more'
  }

  #counted(total: number, least: boolean | undefined): string {
    const count = least ? this.text('results.least', {n: total}) : plural(this.text, 'results.count', total), q = this.query.trim()
    return q ? this.text('results.for', {count, q}) : count
  }

  #empty(): HTMLElement {
    const q = this.query.trim(), {text} = this
    const title = q ? text('results.noneFor', {q}) : text('results.none')
    if (!this.#chosen.collection && !this.#chosen.values.length) return emptyMessage(title, q && text('results.fewerWords'))
    return emptyMessage(title, text('results.fewerFilters'), button('button', () => {
      focusOn(this.base) // the button goes
      this.#choose(nothing)
    }, text('filter.clear')))
  }

  #choose(chosen: Chosen): void {
    this.#chosen = chosen
    this.changed()
  }

  #go(to: Trail): void {
    this.#trail = to
    this.#leafed = true
    this.changed()
  }

  /** After leafing the focus is where reading goes on: above the new page, or at the first of what was added. */
  #look(added: number): void {
    this.#leafed = false
    const first = this.#items.children[this.#shown.length - added]
    if (this.#appends) first?.querySelector('a')?.focus()
    else focusOn(this.#count)
  }

  get #kind(): Kind | null {
    const kind = this.getAttribute('deep-link')
    return kind === 'hash' || kind === 'query' ? kind : null
  }

  /** Goes to the place that the page's address says. */
  #arrive(state: unknown): void {
    if (!this.#kind) return
    const {q, collection, values, page, cursor} = read(new URL(location.href), this.#kind)
    const query = q ?? this.#first ?? ''
    if (query !== this.query) this.query = query
    this.#chosen = {collection, values}
    this.#trail = this.#appends ? new Trail() : Trail.kept(state, page, cursor)
    this.#scope = null
    this.changed()
  }

  /** Makes an entry in the browser's history for a place that is another than the address says. */
  #keepAddress(): void {
    if (!this.#kind) return
    const here = new URL(location.href), q = this.query.trim()
    const leafed = this.#appends ? new Trail() : this.#trail
    const there = write(here, this.#kind, {q: q === this.#first ? null : q, ...this.#chosen, page: leafed.page, cursor: leafed.cursor})
    if (same(here, there, this.#kind)) return
    history.pushState({...history.state as object | null, stile: leafed.cursors}, '', there)
  }
}
reflect(StileResults)

/** Values by the parameter that asks for them. */
function grouped(values: readonly Has[]): Record<string, string[]> {
  const params: Record<string, string[]> = own()
  for (const [name, value] of values) (params[name] ??= []).push(value)
  return params
}

/** Whether two addresses say the same place, however it is spelt. */
function same(a: URL, b: URL, kind: Kind): boolean {
  return JSON.stringify(read(a, kind)) === JSON.stringify(read(b, kind))
}
