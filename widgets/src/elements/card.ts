/** An item in a list: picture, title, where and when, summary. */
import type {Item} from '../types'
import {address, choose} from './choice'
import {h} from './dom'
import {marked, type Found} from './mark'
import {collectionName, day} from './words'

export interface CardOptions {
  readonly host: HTMLElement
  /** The attribute `link` of the element. */
  readonly link: string | null
  /** The level of its heading, 2 to 6. */
  readonly level: number
}

/** A list entry of an item. */
export function card(item: Found, options: CardOptions): HTMLElement {
  return h('li', {part: 'card'},
    picture(item.image),
    h('div', {part: 'text'},
      h(`h${options.level}` as 'h2', {part: 'title'}, titleOf(item, options)),
      about(item),
      item.summary && h('p', {part: 'summary'}, ...item.highlight ? marked(item.highlight.summary) : [item.summary])))
}

function titleOf(item: Found, {host, link}: CardOptions): HTMLElement {
  const words = item.highlight ? marked(item.highlight.title) : [item.title]
  const href = address(item, link)
  return href ? h('a', {part: 'link', href, click: event => choose(host, item, event)}, ...words) : h('span', {}, ...words)
}

/** Where an item belongs, and when it was published. */
export function about(item: Item): HTMLElement | false {
  const when = day(item.published_at)
  if (!item.collection && !when) return false
  return h('p', {part: 'about'},
    item.collection && h('span', {part: 'collection'}, collectionName(item.collection)),
    when && h('time', {datetime: item.published_at!}, when))
}

/**
 * A box that has its size before the picture is there, and keeps it where the
 * picture can't be had. It is decoration: the title beside it names the item.
 */
export function picture(source: string | null | undefined, loading: 'lazy' | 'eager' = 'lazy'): HTMLElement | false {
  if (!source || !/^https?:/i.test(source)) return false
  return h('div', {part: 'image'},
    h('img', {loading, decoding: 'async', referrerpolicy: 'no-referrer', alt: '', src: source, error: event => (event.target as Element).remove()}))
}

/** Lines in the place of a text that is to come. */
export function boneText(part: string, lines: number): HTMLElement {
  return h('div', {part}, ...Array.from({length: lines}, () => h('span', {class: 'bone'}, '\u00a0')))
}

/** What stands in a card's place until it comes. */
export function boneCard(): HTMLElement {
  return h('li', {part: 'card', 'aria-hidden': 'true'},
    h('div', {part: 'image', class: 'bone'}), h('div', {part: 'text'}, boneText('about', 1), boneText('title', 1), boneText('summary', 3)))
}
