/** Facets: what the matches have in common, to choose from. */
import type {Text} from '../types'
import {focusOn} from './base'
import {button, fill, h, icon, icons, type Child} from './dom'
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
  readonly #button = h('button', {part: 'button disclose', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'facets', click: () => this.#disclose()})
  readonly #open = new Set<string>()
  /** The collections when none was chosen: they can be changed between. */
  #collections: readonly Value[] = []
  #names: readonly string[] = []
  #facets: Readonly<Record<string, readonly Value[]>> = {}
  #chosen = nothing
  #text!: Text

  constructor(readonly choose: (chosen: Chosen) => void) {
    this.frame = h('div', {part: 'facets'}, this.#button, this.#panel)
  }

  /** Shows what an answer counted of the facets with these names. */
  show(names: readonly string[], facets: Readonly<Record<string, readonly Value[]>>, chosen: Chosen, text: Text): void {
    this.#names = names
    this.#facets = facets
    this.#chosen = chosen
    this.#text = text
    if (!chosen.collection) this.#collections = facets['collection'] ?? []
    const count = chosen.tags.length + Number(Boolean(chosen.collection))
    fill(this.#button, text('filter.title'), count > 0 && h('span', {part: 'badge'}, figure(count)), icon(icons.down))
    this.#fill()
  }

  #disclose(): void {
    this.#button.setAttribute('aria-expanded', String(this.frame.classList.toggle('open')))
  }

  /** Makes the groups anew; what had the focus has it again. */
  #fill(): void {
    const focused = (this.frame.getRootNode() as ShadowRoot).activeElement
    const value = focused && this.#panel.contains(focused) && focused.getAttribute('value')
    fill(this.#panel, ...this.#names.map(name => this.#group(name)))
    if (typeof value === 'string') this.#panel.querySelector<HTMLElement>(`[name=${focused!.getAttribute('name')}][value="${CSS.escape(value)}"]`)?.focus()
  }

  #group(name: string): Child {
    const values = this.#values(name), text = this.#text
    if (!values.length) return null
    const chosen = name === 'collection' || name === 'tag'
    const shown = this.#open.has(name) ? values : values.slice(0, shortly)
    return h('fieldset', {part: 'facet-group'},
      h('legend', {part: 'facet-title'}, chosen ? text('filter.' + name) : named(name)),
      h('ul', {part: 'facet-values', role: 'list'},
        name === 'collection' && this.#collection({value: ''}),
        ...shown.map(value => name === 'collection' ? this.#collection(value) : name === 'tag' ? this.#tag(value) : h('li', {part: 'facet'}, ...counted(value.value, value)))),
      shown !== values && values.length > shortly && this.#more(name, values.length))
  }

  /** The values to show: all the collections, and of the tags also those that are chosen and that nothing has. */
  #values(name: string): readonly Value[] {
    const values = this.#facets[name] ?? [], {collection, tags} = this.#chosen
    if (name === 'collection') return collection && this.#collections.length > 1 ? this.#collections : values
    const missing = name === 'tag' ? tags.filter(tag => !values.some(({value}) => value === tag)) : []
    return [...missing.map(value => ({value, count: 0})), ...values]
  }

  #collection(value: Partial<Value> & {readonly value: string}): HTMLElement {
    const {value: collection} = value, chosen = this.#chosen
    return entry('radio', 'collection', value, collection ? collectionName(collection) : this.#text('filter.all'), chosen.collection === collection,
      () => this.choose({...chosen, collection}))
  }

  #tag(value: Value): HTMLElement {
    const {value: tag} = value, chosen = this.#chosen, others = chosen.tags.filter(other => other !== tag)
    const is = others.length < chosen.tags.length
    return entry('checkbox', 'tag', value, tag, is, () => this.choose({...chosen, tags: is ? others : [...others, tag]}))
  }

  /** A button for the values that are not shown. The focus goes to the first of them, or it would be lost with the button. */
  #more(name: string, n: number): HTMLElement {
    return button('more-values', event => {
      const group = (event.target as Element).closest('fieldset')!
      const at = [...this.#panel.children].indexOf(group), shown = group.querySelectorAll('li').length
      this.#open.add(name)
      this.#fill()
      const entry = this.#panel.children[at]!.querySelectorAll('li')[shown]!
      focusOn(entry.querySelector('input') ?? entry)
    }, this.#text('filter.more', {n}))
  }
}

function entry(type: string, name: string, value: Partial<Value>, label: string, checked: boolean, change: () => void): HTMLElement {
  return h('li', {part: 'facet'}, h('label', {part: 'facet-label'}, h('input', {type, name, value: value.value, checked, change}), ...counted(label, value)))
}

function counted(label: string, {count}: Partial<Value>): Child[] {
  return [h('span', {part: 'facet-name'}, label), count !== undefined && h('span', {part: 'facet-count'}, figure(count))]
}
