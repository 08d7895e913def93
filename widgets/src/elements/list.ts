/** <stile-list>: the items of a collection or with a tag. */
import type {Answer, Item} from '../types'
import {reflect} from './base'
import {skeletonCard} from './card'
import type {Carousel} from './carousel'
import {part} from '../part'
import {fill, h} from './dom'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'
import {sortOrders} from './orders'
import {Cards} from './cards'

/**
 * Attributes:
 * - `collection`.
 * - `tag`: several are separated by commas. Items must have all of them.
 * - `sort`.
 * - `page-size`: 12 by default.
 * - `layout`: `list`, `grid` or `carousel`.
 * - `label`: its name for screen readers.
 * - `link`: the tenant's page for an item, such as "/recipes/{id}". Empty: the page listens to
 *   stile:select, and shows the item itself.
 * - `heading-level`: 2 by default.
 * - `attributes`, or `card-attributes`: those that cards show, separated by commas.
 * - `facet-labels`: labels of attributes and their values, see labels.ts.
 *
 * A <template> in the element is the layout of its items, see template.ts.
 */
export class StileList extends Loader<Item[]> {
  static readonly observedAttributes = ['collection', 'tag', 'sort', 'page-size', 'layout', 'label', 'link', 'heading-level', 'attributes', 'card-attributes', 'facet-labels']
  readonly #items = h('ul', {part: 'items', role: 'list'})
  readonly #controls = h('div', {part: 'controls'})
  readonly #frame = h('section', {part: 'carousel'}, this.#controls, this.#items)
  #carousel: Carousel | undefined
  #connection!: AbortSignal
  readonly #cards = new Cards(this, this.#items)

  constructor() {
    super()
    this.content.append(this.#frame)
  }

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#connection = signal
    this.#carousel?.begin(signal)
    this.#cards.begin(signal, () => this.changed())
  }

  protected override update(): void {
    const layout = this.#items.dataset['layout'] = layoutOf(this, ['list', 'grid', 'carousel'])
    this.#controls.hidden = layout !== 'carousel'
    this.#loadCarousel()
    super.update()
  }

  protected override request(): Request {
    const tag = this.names('tag')
    return {path: '/v1/items', params: {
      collection: this.getAttribute('collection') || undefined,
      tag: tag.length ? tag : undefined,
      sort: sortOrders(this, 'sort')[0],
      limit: this.#size,
    }}
  }

  protected override showSkeleton(): void {
    fill(this.#items, ...Array.from({length: this.#size}, skeletonCard))
  }

  protected override show({data}: Answer<Item[]>): void {
    this.#cards.show(data, this.cardOptions)
    const label = this.getAttribute('label')
    // A label makes the list a region.
    if (label) this.#frame.setAttribute('aria-label', label)
    else this.#frame.removeAttribute('aria-label')
    this.#carousel?.show(this.text)
    if (!data.length) fill(this.note, emptyMessage(this.text('results.none'), ''))
  }

  /** Loads the buttons of the carousel, if it is one. Until then, the row can be scrolled. */
  #loadCarousel(): void {
    const loaded = !this.#carousel && !this.#controls.hidden && part<typeof import('./carousel')>('carousel.mjs', () => this.changed())
    if (!loaded) return
    loaded.addStyles(this.shadowRoot!)
    this.#carousel = new loaded.Carousel(this.#controls, this.#items)
    this.#carousel.begin(this.#connection)
  }

  get #size(): number {
    return this.number('page-size', 12, 1, 50)
  }
}
reflect(StileList)

/** Returns the attribute `layout` if it is one of the layouts, else the first of them. */
export function layoutOf(element: Element, layouts: readonly string[]): string {
  const layout = element.getAttribute('layout') ?? ''
  return layouts.includes(layout) ? layout : layouts[0]!
}
