/** Facets: what the matches have in common, to choose from. */
import type {Text} from '../types'
import {fill, h, icon, icons, type Child} from './dom'
import {collectionName, figure, named} from './words'

export interface Value {
  readonly value: string
  readonly count: number
}

/** What a visitor has narrowed the matches to: one collection at most, and all of the tags. */
export interface Chosen {
  readonly collection: string
  readonly tags: readonly string[]
}

export const nothing: Chosen = {collection: '', tags: []}

/** What a facet without its being opened shows. */
const shortly = 8

/**
 * Facets shows a group for each facet: radio buttons for the collection, of
 * which the API takes one, check boxes for tags, of which an item has all. By
 * other attributes the API can count and not choose: they are only read.
 */
export class Facets {
  readonly frame: HTMLElement
  readonly #panel = h('div', {part: 'facet-panel', id: 'facets'})
  readonly #button: HTMLButtonElement
  readonly #open = new Set<string>()
  /** The collections when none was chosen: they can be changed between. */
  #collections: readonly Value[] = []
  #last: readonly [readonly string[], Readonly<Record<string, readonly Value[]>>, Chosen, Text] | undefined

  constructor(readonly choose: (chosen: Chosen) => void) {
    this.#button = h('button', {part: 'button', class: 'disclose', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'facets', click: () => this.#disclose()})
    this.frame = h('section', {part: 'facets'}, this.#button, this.#panel)
  }

  /** Shows what an answer counted of the facets with these names. */
  show(names: readonly string[], facets: Readonly<Record<string, readonly Value[]>>, chosen: Chosen, text: Text): void {
    this.#last = [names, facets, chosen, text]
    if (!chosen.collection) this.#collections = facets['collection'] ?? []
    const count = chosen.tags.length + (chosen.collection ? 1 : 0)
    fill(this.#button, text('filter.title'), count > 0 && h('span', {part: 'badge'}, figure(count)), icon(icons.down))
    this.frame.setAttribute('aria-label', text('filter.title'))
    const focused = focusedName(this.#panel)
    fill(this.#panel, ...names.map(name => this.#group(name)))
    if (focused) this.#panel.querySelector<HTMLElement>(`[name="${CSS.escape(focused[0])}"][value="${CSS.escape(focused[1])}"]`)?.focus()
  }

  #disclose(): void {
    const open = this.#button.getAttribute('aria-expanded') !== 'true'
    this.#button.setAttribute('aria-expanded', String(open))
    this.frame.classList.toggle('open', open)
  }

  #group(name: string): Child {
    const [, facets, chosen, text] = this.#last!
    const values = this.#values(name)
    if (!values.length) return null
    const title = name === 'collection' || name === 'tag' ? text('filter.' + name) : named(name)
    const shown = this.#open.has(name) ? values : values.slice(0, shortly)
    const entries = name === 'collection' ? [this.#collection({value: '', count: NaN}), ...shown.map(value => this.#collection(value))]
      : name === 'tag' ? shown.map(value => this.#tag(value, chosen))
      : shown.map(({value, count}) => h('li', {part: 'facet'}, h('span', {}, value), counted(count)))
    return h('fieldset', {part: 'facet-group'}, h('legend', {part: 'facet-title'}, title),
      h('ul', {part: 'facet-values', role: 'list'}, ...entries), (facets[name]?.length ?? 0) > shortly && this.#toggle(name, values.length))
  }

  /** The values to show: of the tags also those that are chosen and that nothing has. */
  #values(name: string): readonly Value[] {
    const [, facets, chosen] = this.#last!
    const values = facets[name] ?? []
    if (name === 'collection') return chosen.collection && this.#collections.length > 1 ? this.#collections : values
    if (name !== 'tag') return values
    const missing = chosen.tags.filter(tag => !values.some(({value}) => value === tag))
    return [...missing.map(value => ({value, count: 0})), ...values]
  }

  #collection({value, count}: Value): HTMLElement {
    const [, , chosen, text] = this.#last!
    return entry('radio', 'collection', value, value ? collectionName(value) : text('filter.all'), count, chosen.collection === value,
      () => this.choose({...chosen, collection: value}))
  }

  #tag({value, count}: Value, chosen: Chosen): HTMLElement {
    const is = chosen.tags.includes(value)
    return entry('checkbox', 'tag', value, value, count, is,
      () => this.choose({...chosen, tags: is ? chosen.tags.filter(tag => tag !== value) : [...chosen.tags, value]}))
  }

  #toggle(name: string, n: number): HTMLElement {
    const open = this.#open.has(name)
    const text = this.#last![3]
    return h('button', {part: 'more-values', type: 'button', name: 'more', value: name, 'aria-expanded': String(open), click: () => {
      if (!this.#open.delete(name)) this.#open.add(name)
      this.show(...this.#last!)
    }}, text(open ? 'filter.fewer' : 'filter.more', {n}))
  }
}

function entry(type: string, name: string, value: string, label: string, count: number, checked: boolean, change: () => void): HTMLElement {
  return h('li', {part: 'facet'}, h('label', {part: 'facet-label'},
    h('input', {type, name, value, checked, change}), h('span', {}, label), !isNaN(count) && counted(count)))
}

function counted(count: number): HTMLElement {
  return h('span', {part: 'facet-count'}, figure(count))
}

/** Name and value of what has the focus, to find it again among new nodes. */
function focusedName(panel: HTMLElement): readonly [string, string] | undefined {
  const focused = (panel.getRootNode() as ShadowRoot).activeElement
  return focused && panel.contains(focused) ? [focused.getAttribute('name') ?? '', focused.getAttribute('value') ?? ''] : undefined
}

/** The choices, each to be taken away. */
export function chips(chosen: Chosen, text: Text, choose: (chosen: Chosen) => void): HTMLElement[] {
  const chip = (name: string, without: Chosen) => h('li', {},
    h('button', {part: 'chip', type: 'button', 'aria-label': text('filter.remove', {name}), click: () => choose(without)}, name, icon(icons.cross)))
  const all = [
    ...chosen.collection ? [chip(collectionName(chosen.collection), {...chosen, collection: ''})] : [],
    ...chosen.tags.map(tag => chip(tag, {...chosen, tags: chosen.tags.filter(other => other !== tag)})),
  ]
  return all.length > 1 ? [...all, h('li', {}, h('button', {part: 'chip clear', type: 'button', click: () => choose(nothing)}, text('filter.clear')))] : all
}
