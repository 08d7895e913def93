/** The sort chooser of the results. */
import {reportMistake} from '../developer'
import type {Text} from '../types'
import {fill, h} from './dom'

const known = ['relevance', 'newest', 'title']

/** Returns the sort orders in the attribute `sort-by`. */
export function sortOrders(given: string | null): readonly string[] {
  const orders = (given ?? '').split(',').map(order => order.trim()).filter(Boolean)
  const wrong = orders.find(order => !known.includes(order))
  if (wrong) reportMistake(dev => dev.value('stile-results', 'sort-by', wrong, known))
  return orders.filter(order => known.includes(order))
}

/** SortChooser is a labelled <select>. It is hidden if there is nothing to choose from. */
export class SortChooser {
  readonly #select = h('select', {part: 'select', id: 'sort', change: () => this.choose(this.#select.value)})
  readonly #label = h('label', {part: 'sort-label', for: 'sort'})
  #shown = ''
  readonly frame = h('div', {part: 'sort', hidden: true}, this.#label, this.#select)

  constructor(readonly choose: (order: string) => void) {}

  show(orders: readonly string[], current: string, text: Text): void {
    this.frame.hidden = orders.length < 2
    const shown = [text.lang, ...orders].join()
    // Other options would interrupt a visitor who is choosing.
    if (shown !== this.#shown) {
      this.#label.textContent = text('sort.label')
      fill(this.#select, ...orders.map(value => h('option', {value}, text('sort.' + value))))
    }
    this.#shown = shown
    this.#select.value = current
  }
}
