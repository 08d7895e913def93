/** The facets: filters with the number of matching items. */
import type {Text} from '../types'
import {button, fill, h, icon, icons, type Child} from './dom'
import {formatCount, formatNumber} from './format'
import type {Labels} from './labels'
import {isRange, type Filter} from './filters'

/** A value of a facet. */
export interface Value {
  readonly value: string
  /** The number of items. Undefined if it was not counted in time. */
  readonly count?: number | undefined
}

/** The visitor's filters: at most one collection, and values that an item must all have. */
export interface Chosen {
  readonly collection: string
  readonly values: readonly Filter[]
}

/** No filters. */
export const noFilters: Chosen = {collection: '', values: []}

/** The number of values that a facet shows until all are requested. */
const maxShown = 8

/**
 * Facets shows a group for each facet. Collections are radio buttons, because the API accepts one.
 * Tags and values of attributes are check boxes. Items must have all of them.
 */
export class Facets {
  readonly frame: HTMLElement
  readonly #lists = h('div', {class: 'facet-lists'})
  readonly #panel: HTMLElement
  readonly #button = h('button', {part: 'button disclose', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'facets', click: () => this.#disclose()})
  readonly #open = new Set<string>()
  /**
   * The collections that were counted when none was chosen. The visitor can switch between them.
   */
  #collections: readonly Value[] = []
  #names: readonly string[] = []
  #facets: Readonly<Record<string, readonly Value[]>> = {}
  #chosen = noFilters
  #shown = false
  #text!: Text
  #labels!: Labels

  /** ranges is the frame of the range facets, which follow the others. */
  constructor(readonly choose: (chosen: Chosen) => void, readonly ranges: HTMLElement) {
    this.#panel = h('div', {part: 'facet-panel', id: 'facets'}, this.#lists, ranges)
    this.frame = h('div', {part: 'facets'}, this.#button, this.#panel)
  }

  /** Shows the facets with these names, with the counts of a response. */
  show(names: readonly string[], facets: Readonly<Record<string, readonly Value[]>>, chosen: Chosen, text: Text, labels: Labels): void {
    this.#names = names
    this.#facets = facets
    this.#chosen = chosen
    this.#text = text
    this.#labels = labels
    if (!chosen.collection) this.#collections = facets['collection'] ?? []
    const count = countOf(chosen)
    fill(this.#button, text('filter.title'), count > 0 && h('span', {part: 'badge'}, formatNumber(count, text.lang)), icon(icons.down))
    this.#shown = true
    this.#fill()
  }

  /** Reports whether the last response had no values to choose from. */
  get empty(): boolean {
    return this.#shown && !this.#lists.firstChild && !this.ranges.firstChild
  }

  #disclose(): void {
    this.#button.setAttribute('aria-expanded', String(this.frame.classList.toggle('open')))
  }

  /** Replaces the groups, and restores the focus. */
  #fill(): void {
    const focused = (this.frame.getRootNode() as ShadowRoot).activeElement as HTMLInputElement | null
    fill(this.#lists, ...this.#names.map(name => this.#group(name)))
    for (const input of this.#lists.querySelectorAll('input')) if (input.name === focused?.name && input.value === focused.value) input.focus()
  }

  #group(name: string): Child {
    const values = this.#values(name), text = this.#text
    if (!values.length) return null
    const shown = this.#open.has(name) ? values : values.slice(0, maxShown)
    return h('fieldset', {part: 'facet-group'},
      h('legend', {part: 'facet-title'}, this.#labels.facet(name, name === 'collection' || name === 'tag' ? text('filter.' + name) : undefined)),
      h('ul', {part: 'facet-values', role: 'list'},
        name === 'collection' && this.#collection({value: ''}),
        ...shown.map(value => name === 'collection' ? this.#collection(value) : this.#box(name, value))),
      shown !== values && values.length > maxShown && this.#more(name, values.length))
  }

  /**
   * Returns the values to show. For collections, these are all of them. For other facets, they
   * include chosen values that no match has, so that the visitor can always undo a choice.
   */
  #values(name: string): readonly Value[] {
    const counted = this.#facets[name], values = counted ?? [], {collection} = this.#chosen, all = this.#collections
    if (name === 'collection') return this.#labels.sorted(name, !collection ? values : all.length > 1 ? all : counted ? values : [{value: collection}])
    const missing = this.#chosen.values.filter(([of, has]) => of === parameter(name) && !values.some(({value}) => value === has))
    return [...missing.map(([, value]) => ({value, count: counted && 0})), ...this.#labels.sorted(name, values)]
  }

  #collection(value: Partial<Value> & {readonly value: string}): HTMLElement {
    const {value: collection} = value, chosen = this.#chosen
    return entry('radio', 'collection', value, collection ? this.#labels.collection(collection) : this.#text('filter.all'), chosen.collection === collection, this.#text.lang,
      () => this.choose({...chosen, collection}))
  }

  #box(name: string, value: Value): HTMLElement {
    const chosen = this.#chosen, others = chosen.values.filter(([of, has]) => of !== parameter(name) || has !== value.value)
    const checked = others.length < chosen.values.length
    return entry('checkbox', name, value, this.#labels.value(name, value.value), checked, this.#text.lang, () => this.choose({...chosen, values: checked ? others : [...others, [parameter(name), value.value]]}))
  }

  /** Returns a button that shows the other values. It moves the focus to the first of them. */
  #more(name: string, n: number): HTMLElement {
    return button('more-values', event => {
      const group = (event.target as Element).closest('fieldset')!
      const at = [...this.#lists.children].indexOf(group), shown = group.querySelectorAll('input').length
      this.#open.add(name)
      this.#fill()
      this.#lists.children[at]!.querySelectorAll('input')[shown]!.focus()
    }, this.#text('filter.more', {n}))
  }
}

/** Returns a list entry with a radio button or check box. */
function entry(type: string, name: string, {value, count}: Partial<Value>, label: string, checked: boolean, lang: string, change: () => void): HTMLElement {
  return h('li', {part: 'facet'}, h('label', {part: 'facet-label'}, h('input', {type, name, value, checked, change}),
    h('span', {part: 'facet-name'}, label), count !== undefined && h('span', {part: 'facet-count'}, formatCount(count, lang))))
}

/** Returns the number of filters. The two ends of a range are one. */
function countOf({collection, values}: Chosen): number {
  return +!!collection + new Set(values.map(([name, value]) => isRange(name) ? name.slice(4) : `${name}=${value}`)).size
}

/** Returns the API's parameter for a facet. */
function parameter(name: string): string {
  return name === 'tag' ? name : 'attribute.' + name
}
