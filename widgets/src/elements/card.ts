/** An item in a list: picture, title, collection and date, summary. */
import type {Item} from '../types'
import {titleLink} from './link'
import {h} from './dom'
import {highlighted} from './highlight'
import {formatDate} from './format'
import type {Labels} from './labels'
import {attributeList} from './attributes'

/** The options of a card. */
export interface CardOptions {
  readonly host: HTMLElement
  /** The element's attribute `link`. */
  readonly link: string | null
  /** The level of the title's heading, 1 to 6. */
  readonly level: number
  /** The language of the element, for dates and numbers. */
  readonly lang: string
  readonly labels: Labels
  /** The names of the attributes to show. */
  readonly attributes: readonly string[]
}

/** Returns the list entry of an item. */
export function card(item: Item, options: CardOptions): HTMLElement {
  return h('li', {part: 'card'},
    picture(item.image),
    h('div', {part: 'text'},
      h(`h${options.level}` as 'h2', {part: 'title', dir: 'auto'}, titleOf(item, options)),
      about(item, options.lang, options.labels),
      item.summary && h('p', {part: 'summary', dir: 'auto'}, ...item.highlight ? highlighted(item.highlight.summary) : [item.summary]),
      attributeList(item.attributes, options.lang, options.labels, options.attributes)))
}

function titleOf(item: Item, {host, link}: CardOptions): HTMLElement {
  const words = item.highlight ? highlighted(item.highlight.title) : [item.title]
  return titleLink(host, item, link, ...words)
}

/** Returns the collection of an item and the date of its publication. */
export function about(item: Item, lang: string, labels: Labels): HTMLElement | false {
  const when = formatDate(item.published_at, lang)
  if (!item.collection && !when) return false
  return h('p', {part: 'about'},
    item.collection && h('span', {part: 'collection'}, labels.collection(item.collection)),
    when && h('time', {datetime: item.published_at!}, when))
}

/**
 * Returns a box for the picture. The box has its size before the picture is loaded. If that fails,
 * the box is removed. The picture is decorative, because the title names the item.
 */
export function picture(source: string | null | undefined, loading: 'lazy' | 'eager' = 'lazy'): HTMLElement | false {
  if (!source || !/^https?:/i.test(source)) return false
  return h('div', {part: 'image'},
    h('img', {loading, decoding: 'async', referrerpolicy: 'no-referrer', alt: '', src: source, error: event => (event.target as Element).parentElement!.remove()}))
}

/** Returns placeholder lines for a text that is loading. */
export function skeletonText(part: string, lines: number): HTMLElement {
  return h('div', {part}, ...Array.from({length: lines}, () => h('span', {class: 'bone'}, '\u00a0')))
}

/** Returns the placeholder of a card that is loading. */
export function skeletonCard(): HTMLElement {
  return h('li', {part: 'card', 'aria-hidden': 'true'},
    h('div', {part: 'image', class: 'bone'}), h('div', {part: 'text'}, skeletonText('about', 1), skeletonText('title', 1), skeletonText('summary', 3)))
}
