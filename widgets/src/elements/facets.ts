/** Facets: what the matches have in common, to choose from. */
import type {Text} from '../types'
import type {Has} from './address'
import {button, fill, h, icon, icons, type Child} from './dom'
import {collectionName, counted, figure, named} from './words'

export interface Value {
  readonly value: string
  /** Undefined if it was not counted in time. */
  readonly count?: number | undefined
}

/** What a visitor has narrowed the matches to: one collection at most, and all of the values. */
export interface Chosen {
  readonly collection: string
  readonly values: readonly Has[]
}

export const nothing: Chosen = {collection: '', values: []}

/** What a facet without its being opened shows. */
const shortly = 8

/**
 * Facets shows a group for each facet: radio buttons for the collection, of
 * which the API takes one, check boxes for tags and the values of attributes,
 * of which an item has all.
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
  #shown = false
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
    const count = chosen.values.length + Number(Boolean(chosen.collection))
    fill(this.#button, text('filter.title'), count > 0 && h('span', {part: 'badge'}, figure(count)), icon(icons.down))
    this.#shown = true
    this.#fill()
  }

  /** Reports whether an answer was shown that left nothing to choose from. */
  get empty(): boolean {
    return this.#shown && !this.#panel.firstChild
  }

  #disclose(): void {
    this.#button.setAttribute('aria-expanded', String(this.frame.classList.toggle('open')))
  }

  /** Makes the groups anew; what had the focus has it again. */
  #fill(): void {
    const focused = (this.frame.getRootNode() as ShadowRoot).activeElement as HTMLInputElement | null
    fill(this.#panel, ...this.#names.map(name => this.#group(name)))
    for (const input of this.#panel.querySelectorAll('input')) if (input.name === focused?.name && input.value === focused.value) input.focus()
  }

  #group(name: string): Child {
    const values = this.#values(name), text = this.#text
    if (!values.length) return null
    const shown = this.#open.has(name) ? values : values.slice(0, shortly)
    return h('fieldset', {part: 'facet-group'},
      h('legend', {part: 'facet-title'}, name === 'collection' || name === 'tag' ? text('filter.' + name) : named(name)),
      h('ul', {part: 'facet-values', role: 'list'},
        name === 'collection' && this.#collection({value: ''}),
        ...shown.map(value => name === 'collection' ? this.#collection(value) : this.#box(name, value))),
      shown !== values && values.length > shortly && this.#more(name, values.length))
  }

  /** The values to show: all the collections, and of others also those that are chosen and that nothing has. A choice can be undone even if nothing was counted. */
  #values(name: string): readonly Value[] {
    const counted = this.#facets[name], values = counted ?? [], {collection} = this.#chosen, all = this.#collections
    if (name === 'collection') return !collection ? values : all.length > 1 ? all : counted ?? [{value: collection}]
    const missing = this.#chosen.values.filter(([of, has]) => of === parameter(name) && !values.some(({value}) => value === has))
    return [...missing.map(([, value]) => ({value, count: counted && 0})), ...values]
  }

  #collection(value: Partial<Value> & {readonly value: string}): HTMLElement {
    const {value: collection} = value, chosen = this.#chosen
    return entry('radio', 'collection', value, collection ? collectionName(collection) : this.#text('filter.all'), chosen.collection === collection,
      () => this.choose({...chosen, collection}))
  }

  #box(name: string, value: Value): HTMLElement {
    const chosen = this.#chosen, others = chosen.values.filter(([of, has]) => of !== parameter(name) || has !== value.value)
    const is = others.length < chosen.values.length
    return entry('checkbox', name, value, value.value, is, () => this.choose({...chosen, values: is ? others : [...others, [parameter(name), value.value]]}))
  }

  /** A button for the values that are not shown. The focus goes to the first of them, or it would be lost with the button. */
  #more(name: string, n: number): HTMLElement {
    return button('more-values', event => {
      const group = (event.target as Element).closest('fieldset')!
      const at = [...this.#panel.children].indexOf(group), shown = group.querySelectorAll('input').length
      this.#open.add(name)
      this.#fill()
      this.#panel.children[at]!.querySelectorAll('input')[shown]!.focus()
    }, this.#text('filter.more', {n}))
  }
}

function entry(type: string, name: string, {value, count}: Partial<Value>, label: string, checked: boolean, change: () => void): HTMLElement {
  return h('li', {part: 'facet'}, h('label', {part: 'facet-label'}, h('input', {type, name, value, checked, change}),
    h('span', {part: 'facet-name'}, label), count !== undefined && h('span', {part: 'facet-count'}, counted(count))))
}

/** What the API calls the choice of a facet's value. */
function parameter(name: string): string {
  return name === 'tag' ? name : 'attribute.' + name
}
