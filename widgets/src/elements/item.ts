/** <stile-item>: one item, whole. */
import {core} from '../page'
import type {Answer, Item} from '../types'
import {reflect} from './base'
import {about, boneText, card, picture} from './card'
import {address, choose} from './choice'
import {fill, h} from './dom'
import {facts, hostOf} from './facts'
import {Loader, type Request} from './loader'
import {prose} from './prose'

/**
 * Attributes: `item` (its id), or `item-from="url"`, which takes the id from
 * the address of the page: the parameter `item` of its query, else of its
 * hash, else a hash that is an id by itself (?item=plum-cake, #item=plum-cake,
 * #plum-cake); `related` adds the items like it (a call more);
 * `heading-level` (2); `link`, as of <stile-list>, for the related ones.
 */
export class StileItem extends Loader<Item> {
  static readonly observedAttributes = ['item', 'item-from', 'related', 'heading-level', 'link']
  readonly #related = h('section', {part: 'related'})
  #relatedTo = ''
  #life: AbortSignal | undefined

  protected override begin(life: AbortSignal): void {
    super.begin(life)
    this.#life = life
    addEventListener('popstate', () => this.changed(), {signal: life}) // of a new hash too
  }

  protected override request(): Request | null {
    const id = this.getAttribute('item-from') === 'url' ? idIn(new URL(location.href)) : this.getAttribute('item')
    return id ? {path: `/v1/items/${encodeURIComponent(id)}`} : null
  }

  protected override wait(): void {
    fill(this.content, bones())
  }

  protected override show({data: item}: Answer<Item>): void {
    fill(this.content, this.#whole(item), this.#related)
    if (!this.hasAttribute('related')) this.#relatedTo = ''
    else if (this.#relatedTo !== item.id) void this.#relate(item)
    this.#related.hidden = !this.#relatedTo
  }

  #whole(item: Item): HTMLElement {
    const href = address(item, null)
    return h('article', {part: 'item'},
      h('header', {part: 'header'},
        about(item),
        h(`h${this.level}` as 'h2', {part: 'title'}, item.title),
        item.summary && h('p', {part: 'summary'}, item.summary)),
      picture(item.image, 'eager'),
      h('div', {part: 'columns'},
        h('div', {part: 'body'}, item.body && prose(item.body, this.level),
          href && h('p', {part: 'source'}, h('a', {part: 'link', href, rel: 'noopener', click: event => choose(this, item, event)}, this.text('item.source', {host: hostOf(href)})))),
        h('div', {part: 'aside'}, facts(item.attributes),
          Boolean(item.tags?.length) && h('ul', {part: 'tags', role: 'list', 'aria-label': this.text('filter.tag')}, ...item.tags!.map(tag => h('li', {part: 'tag'}, tag))))))
  }

  /** Adds the items like it. They are an extra: where they can't be had, nothing is said. */
  async #relate(item: Item): Promise<void> {
    const life = this.#life!
    this.#relatedTo = item.id
    this.#related.replaceChildren()
    try {
      const {data} = await core.get<Item[]>(`/v1/items/${encodeURIComponent(item.id)}/related`, {limit: 4}, {signal: life})
      if (this.#relatedTo === item.id && data.length) this.#fillRelated(data)
    } catch {
      if (!life.aborted) return
      this.#relatedTo = '' // it left the document meanwhile
      this.changed()
    }
  }

  #fillRelated(items: readonly Item[]): void {
    const options = {host: this, link: this.getAttribute('link'), level: Math.min(6, this.level + 2)}
    fill(this.#related,
      h(`h${Math.min(6, this.level + 1)}` as 'h3', {part: 'related-title'}, this.text('item.related')),
      h('ul', {part: 'items', role: 'list', 'data-layout': 'grid'}, ...items.map(other => card(other, options))))
  }
}
reflect(StileItem, ['related'])

/** The id in a page's address, if there is one. */
export function idIn(url: URL): string | null {
  const hash = url.hash.slice(1)
  return url.searchParams.get('item') || new URLSearchParams(hash).get('item') || (/^[\w.-]{1,128}$/.test(hash) ? hash : null)
}

function bones(): HTMLElement {
  return h('div', {part: 'item', 'aria-hidden': 'true'},
    h('div', {part: 'header'}, boneText('about', 1), boneText('title', 1), boneText('summary', 1)),
    h('div', {part: 'image', class: 'bone'}),
    boneText('body', 4))
}
