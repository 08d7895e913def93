/** Range facets: the smallest and the largest value of a number or date. */
import type {Labels} from './labels'
import type {Meta, Text} from '../types'
import {button, fill, h} from './dom'
import {isRange, type Filter} from './filters'
import {formatDate, formatNumber} from './format'

/** The ends of a range over all items: numbers, or dates such as "2026-01-31". */
type Ends = NonNullable<Meta['ranges']>[string]

/**
 * The pause after a change before it is applied, in ms. Each step of a number field and each digit
 * of a year in a date field is a change, and each call is charged.
 */
const changePause = 600

/**
 * Ranges shows a group of two fields for each name. The groups remain when new results arrive, so
 * that a visitor who is typing is not interrupted.
 */
export class Ranges {
  readonly #groups = new Map<string, Range>()

  /** choose receives the filters of one name, when they have changed. */
  constructor(readonly frame: HTMLElement, readonly choose: (name: string, filters: readonly Filter[]) => void) {}

  /** Shows the ranges with these names that have ends, with the visitor's filters. */
  show(names: readonly string[], ends: Readonly<Record<string, Ends>>, filters: readonly Filter[], labels: Labels, text: Text): void {
    const shown = names.filter(name => Object.hasOwn(ends, name))
    for (const name of shown) if (!this.#groups.has(name)) this.#groups.set(name, new Range(name, this.#groups.size, filters => this.choose(name, filters)))
    const groups = shown.map(name => this.#groups.get(name)!)
    // Nodes that are inserted again lose the focus and a half-typed date.
    if (groups.length !== this.frame.childElementCount || groups.some(({frame}, i) => frame !== this.frame.children[i])) fill(this.frame, ...groups.map(({frame}) => frame))
    for (const group of groups) group.show(ends[group.name]!, filters, labels, text)
  }
}

/** Range is the group of one name. */
class Range {
  readonly #from = this.#field('min')
  readonly #to = this.#field('max')
  readonly #title = h('legend', {part: 'facet-title'})
  readonly #fromLabel = h('span', {})
  readonly #toLabel = h('span', {})
  readonly #hint: HTMLElement
  readonly #note: HTMLElement
  readonly #clear = button('range-clear', () => this.#reset())
  readonly frame: HTMLElement
  /** The filters that were applied last. */
  #filters: readonly Filter[] = []
  #timer = 0
  #text!: Text

  constructor(readonly name: string, at: number, readonly changed: (filters: readonly Filter[]) => void) {
    this.#hint = h('p', {part: 'range-hint', id: `range-${at}`})
    this.#note = h('p', {part: 'range-note', role: 'status', id: `range-${at}-note`})
    for (const field of [this.#from, this.#to]) field.setAttribute('aria-describedby', `range-${at} range-${at}-note`)
    this.frame = h('fieldset', {part: 'facet-group range'}, this.#title,
      h('div', {part: 'range-fields'},
        h('label', {part: 'range-label'}, this.#fromLabel, this.#from), h('label', {part: 'range-label'}, this.#toLabel, this.#to)),
      this.#hint, this.#note, this.#clear)
  }

  /** Shows the ends, and the filters if they are not those that were applied here. */
  show({min, max}: Ends, filters: readonly Filter[], labels: Labels, text: Text): void {
    const isDate = typeof min === 'string'
    this.#text = text
    this.#title.textContent = labels.facet(this.name, this.name === 'published_at' ? text('filter.date') : undefined)
    this.#fromLabel.textContent = text('range.from')
    this.#toLabel.textContent = text('range.to')
    this.#clear.textContent = text('filter.clear')
    this.#hint.textContent = [min, max].map(end => show(end, text.lang)).join(' – ')
    for (const field of [this.#from, this.#to]) {
      field.type = isDate ? 'date' : 'number'
      field.min = day(min)
      field.max = day(max)
      if (!isDate) field.step = 'any'
    }
    const mine = filters.filter(([name]) => isRange(name, this.name))
    if (JSON.stringify(mine) !== JSON.stringify(this.#filters)) this.#set(mine)
    this.#clear.hidden = !mine.length
  }

  #set(filters: readonly Filter[]): void {
    clearTimeout(this.#timer)
    this.#filters = filters
    for (const field of [this.#from, this.#to]) field.value = day(filters.find(([name]) => name === `${field.name}.${this.name}`)?.[1] ?? '')
    this.#complain('')
  }

  #field(name: 'min' | 'max'): HTMLInputElement {
    return h('input', {
      part: 'range-input', name, autocomplete: 'off', inputmode: 'decimal',
      change: () => {
        clearTimeout(this.#timer)
        this.#timer = window.setTimeout(() => this.#apply(), changePause)
      },
      keydown: event => (event as KeyboardEvent).key === 'Enter' && this.#apply(),
    })
  }

  /** Applies the fields. If they are invalid, a note says why, and the results stay. */
  #apply(): void {
    clearTimeout(this.#timer)
    const fields = [this.#from, this.#to], unread = fields.find(field => field.validity.badInput)
    const [from, to] = fields.map(field => field.valueAsNumber) as [number, number]
    if (unread) return this.#complain(unread.validationMessage)
    if (from > to) return this.#complain(this.#text('range.order'))
    this.#complain('')
    const filters = fields.filter(field => field.value).map((field): Filter => [`${field.name}.${this.name}`, field.type === 'number' ? '' + field.valueAsNumber : field.value])
    if (JSON.stringify(filters) === JSON.stringify(this.#filters)) return
    this.#filters = filters
    this.changed(filters)
  }

  #complain(why: string): void {
    this.#note.textContent = why
    for (const field of [this.#from, this.#to]) field.setAttribute('aria-invalid', String(Boolean(why)))
  }

  /** Removes the filters. The button disappears, so the focus moves to the first field. */
  #reset(): void {
    this.#from.value = this.#to.value = ''
    this.#from.focus()
    this.#apply()
  }
}

/** Returns the value of a field: the day of a date with a time, and other values unchanged. */
function day(value: string | number): string {
  return String(value).replace(/T.*/, '')
}

function show(end: string | number, lang: string): string {
  return typeof end === 'number' ? formatNumber(end, lang) : formatDate(end, lang) || end
}
