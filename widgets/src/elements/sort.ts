/** The sort chooser of the results. */
import type {Text} from '../types'
import {fill, h} from './dom'

/** SortChooser is a labelled <select>. It is hidden if there is nothing to choose from. */
export class SortChooser {
  readonly #select = h('select', {part: 'select', id: 'sort', change: () => this.choose(this.#select.value)})
  readonly #label = h('label', {part: 'sort-label', for: 'sort'})
  #shown = ''

  constructor(readonly frame: HTMLElement, readonly choose: (order: string) => void) {
    frame.append(this.#label, this.#select)
  }

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
