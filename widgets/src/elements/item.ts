/** <stile-item>: one complete item. */
import {doc} from '../doc'
import {part} from '../part'
import {trusted} from '../page'
import type {Answer, Item} from '../types'
import {reflect} from './base'
import {about, picture, skeletonText} from './card'
import {hashOf} from './deep-link'
import {itemURL, select} from './link'
import {fill, h} from './dom'
import {attributeList, hostOf} from './attributes'
import {Loader, type Request} from './loader'
import {onNavigation} from './navigation'
import {Cards} from './cards'

type Prose = typeof import('./prose')

/**
 * Attributes:
 * - `item`: the id of the item.
 * - `item-from="url"`: takes the id from the page's URL, also when a script changes it. It is the
 *   parameter `item` of the query, else of the hash, else the whole hash (?item=plum-cake,
 *   #item=plum-cake, #/recipes?item=plum-cake, #plum-cake). A hash that names an element of the
 *   page leads to that element. It does not change the item.
 * - `related`: adds related items, with one more call.
 * - `heading-level`: 2 by default.
 * - `link` and `attributes`: of related items, as in <stile-list>.
 * - `facet-labels`: labels of attributes and their values, see labels.ts.
 *
 * A <template> in the element is the layout of related items, see template.ts.
 */
export class StileItem extends Loader<Item> {
  static readonly observedAttributes = ['item', 'item-from', 'related', 'heading-level', 'link', 'attributes', 'card-attributes', 'facet-labels']
  readonly #related = h('section', {part: 'related'})
  readonly #items = h('ul', {part: 'items', role: 'list', 'data-layout': 'grid'})
  readonly #cards = new Cards(this, this.#items)
  #relatedTo = ''
  /** The id that the page's URL had last. */
  #id: string | null = null
  #follows = false
  #relatedItems: readonly Item[] = []
  #connection: AbortSignal | undefined

  protected override begin(signal: AbortSignal): void {
    super.begin(signal)
    this.#connection = signal
    this.#follows = false
    this.#cards.begin(signal, () => this.changed())
    this.#loadProse() // at the same time as the item
  }

  protected override request(): Request | null {
    const id = this.getAttribute('item-from') === 'url' ? this.#idInURL() : this.getAttribute('item')
    return id ? {path: `/v1/items/${encodeURIComponent(id)}`} : null
  }

  /** Returns the id in the page's URL. It stays the same if the URL leads to an element. */
  #idInURL(): string | null {
    if (!this.#follows) onNavigation(() => this.changed(), this.#connection!)
    this.#follows = true
    const url = new URL(location.href), id = idIn(url)
    if (id && !(id === url.hash.slice(1) && doc.getElementById(id))) this.#id = id
    else if (!id) this.#id = null
    return this.#id
  }

  protected override showSkeleton(): void {
    fill(this.content, skeleton())
  }

  protected override show({data: item}: Answer<Item>): void {
    const prose = this.#loadProse()
    // The article comes with its body. If the part can't be loaded, it has only the summary.
    if (prose !== undefined) fill(this.content, this.#article(item, prose), this.#related)
    if (!this.hasAttribute('related')) this.#clearRelated('')
    else if (this.#relatedTo !== item.id) void this.#loadRelated(item)
    else this.#showRelated()
    this.#related.hidden = !this.#relatedTo
  }

  /** Loads the part for bodies. Undefined while it is loading, null if it can't be loaded. */
  #loadProse(): Prose | null | undefined {
    const loaded = part<Prose>('prose.mjs', () => this.changed())
    loaded?.addStyles(this.shadowRoot!)
    return loaded
  }

  #article(item: Item, prose: Prose | null): HTMLElement {
    const {labels, text} = this, href = itemURL(item, null), body = h('div', {part: 'body', dir: 'auto'}, item.body && prose?.prose(item.body, this.level, trusted))
    const summary = item.summary && !prose?.startsWith(body, item.summary) && h('p', {part: 'summary', dir: 'auto'}, item.summary)
    if (href) body.append(h('p', {part: 'source'}, h('a', {part: 'link', href, rel: 'noopener', click: event => select(this, item, event)}, text('item.source', {host: hostOf(href)}))))
    return h('article', {part: 'item'},
      h('header', {part: 'header'},
        about(item, text.lang, labels),
        h(`h${this.level}` as 'h2', {part: 'title', dir: 'auto'}, item.title),
        summary),
      picture(item.image, 'eager'),
      h('div', {part: 'columns'},
        body,
        h('div', {part: 'aside'}, attributeList(item.attributes, text.lang, labels),
          Boolean(item.tags?.length) && h('ul', {part: 'tags', role: 'list', 'aria-label': text('filter.tag')}, ...item.tags!.map(tag => h('li', {part: 'tag'}, tag))))))
  }

  /** Adds the related items. If they can't be loaded, no message is shown. */
  async #loadRelated(item: Item): Promise<void> {
    const signal = this.#connection!
    this.#clearRelated(item.id)
    try {
      const {data} = await this.get<Item[]>({path: `/v1/items/${encodeURIComponent(item.id)}/related`, params: {limit: 4}}, signal)
      if (this.#relatedTo !== item.id) return
      this.#relatedItems = data
      this.#showRelated()
    } catch {
      if (!signal.aborted) return
      this.#relatedTo = '' // the element has left the document
      this.changed()
    }
  }

  #clearRelated(to: string): void {
    this.#relatedTo = to
    this.#relatedItems = []
    this.#showRelated()
  }

  #showRelated(): void {
    const items = this.#relatedItems
    this.#cards.show(items, {...this.cardOptions, level: Math.min(6, this.level + 2)})
    fill(this.#related, items.length > 0 && h(`h${Math.min(6, this.level + 1)}` as 'h3', {part: 'related-title'}, this.text('item.related')), items.length > 0 && this.#items)
  }
}
reflect(StileItem, ['related'])

/** Returns the id in a page's URL, or null. */
export function idIn(url: URL): string | null {
  const {route, params} = hashOf(url)
  return url.searchParams.get('item') || new URLSearchParams(params).get('item') || (/^[\w.-]{1,128}$/.test(route) ? route : null)
}

function skeleton(): HTMLElement {
  return h('div', {part: 'item', 'aria-hidden': 'true'},
    h('div', {part: 'header'}, skeletonText('about', 1), skeletonText('title', 1), skeletonText('summary', 1)),
    h('div', {part: 'image', class: 'bone'}),
    skeletonText('body', 4))
}
