/** <stile-list>: the items of a collection or with a tag. */
import type {Answer, Item} from '../types'
import {reflect} from './base'
import {card, skeletonCard} from './card'
import {Carousel} from './carousel'
import {fill, h} from './dom'
import {Loader, type Request} from './loader'
import {emptyMessage} from './message'

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
 */
export class StileList extends Loader<Item[]> {
  static readonly observedAttributes = ['collection', 'tag', 'sort', 'page-size', 'layout', 'label', 'link', 'heading-level']
  readonly #items = h('ul', {part: 'items', role: 'list'})
  readonly #carousel = new Carousel(this.#items)

  constructor() {
    super()
    this.content.append(this.#carousel.frame)
  }

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#carousel.begin(signal)
  }

  protected override update(): void {
    this.#items.dataset['layout'] = layoutOf(this, ['list', 'grid', 'carousel'])
    super.update()
  }

  protected override request(): Request {
    const tag = (this.getAttribute('tag') ?? '').split(',').map(tag => tag.trim()).filter(Boolean)
    return {path: '/v1/items', params: {
      collection: this.getAttribute('collection') || undefined,
      tag: tag.length ? tag : undefined,
      sort: this.getAttribute('sort') || undefined,
      limit: this.#size,
    }}
  }

  protected override showSkeleton(): void {
    this.#carousel.hidden = this.#items.dataset['layout'] !== 'carousel'
    fill(this.#items, ...Array.from({length: this.#size}, skeletonCard))
  }

  protected override show({data}: Answer<Item[]>): void {
    const options = {host: this, link: this.getAttribute('link'), level: this.level, lang: this.text.lang}
    fill(this.#items, ...data.map(item => card(item, options)))
    this.#carousel.hidden = this.#items.dataset['layout'] !== 'carousel'
    this.#carousel.show(this.getAttribute('label'), this.text)
    if (!data.length) fill(this.note, emptyMessage(this.text('results.none'), ''))
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
