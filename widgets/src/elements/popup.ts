/** The suggestions below a search box, which are the listbox of its combobox (WAI-ARIA 1.2). */
import type {Suggestion} from '../types'
import {fill, h} from './dom'
import {Labels} from './labels'

/**
 * Returns the index of the option that a key makes active, of count options. -1 is the box itself.
 * Undefined if the key has no effect here. Home and End move in the text of the box until an option
 * is active.
 */
export function nextOption(key: string, active: number, count: number): number | undefined {
  if (!count) return undefined
  switch (key) {
    case 'ArrowDown': return active + 1 < count ? active + 1 : -1
    case 'ArrowUp': return active < 0 ? count - 1 : active - 1
    case 'Home': return active < 0 ? undefined : 0
    case 'End': return active < 0 ? undefined : count - 1
    default: return undefined
  }
}

/** Popup shows the suggestions, and marks the active one. The focus stays in the box. */
export class Popup {
  readonly list = h('ul', {part: 'suggestions', role: 'listbox', id: 'suggestions', hidden: true})
  active = -1
  #suggestions: readonly Suggestion[] = []

  constructor(readonly box: HTMLInputElement, choose: (chosen: Suggestion, event: Event) => void) {
    // The box keeps the focus.
    this.list.addEventListener('pointerdown', event => event.preventDefault())
    const click = (event: MouseEvent) => {
      const at = [...this.list.children].indexOf((event.target as Element).closest('li')!)
      const chosen = this.#suggestions[at]
      if (chosen && event.button < 2) choose(chosen, event)
    }
    this.list.addEventListener('click', click)
    this.list.addEventListener('auxclick', click) // the middle button
  }

  get isOpen(): boolean {
    return !this.list.hidden
  }

  get chosen(): Suggestion | undefined {
    return this.isOpen ? this.#suggestions[this.active] : undefined
  }

  get count(): number {
    return this.#suggestions.length
  }

  /** Shows suggestions. An empty list closes the popup. */
  show(suggestions: readonly Suggestion[], lang = ''): void {
    const labels = new Labels(lang)
    this.#suggestions = suggestions
    fill(this.list, ...suggestions.map(({text, collection}, i) => h('li', {part: 'suggestion', role: 'option', id: `suggestion-${i}`},
      h('span', {}, text), collection && h('span', {part: 'suggestion-collection'}, labels.collection(collection)))))
    this.open(suggestions.length > 0)
  }

  /** Opens or closes the popup. Without suggestions it stays closed. */
  open(open: boolean): void {
    this.list.hidden = !open || !this.count
    this.box.setAttribute('aria-expanded', String(this.isOpen))
    this.activate(-1)
  }

  /** Makes an option active, or none if index is -1. */
  activate(index: number): void {
    this.active = index
    for (const [i, option] of [...this.list.children].entries()) option.setAttribute('aria-selected', String(i === index))
    if (index < 0) return this.box.removeAttribute('aria-activedescendant')
    this.box.setAttribute('aria-activedescendant', `suggestion-${index}`)
    this.list.children[index]?.scrollIntoView({block: 'nearest'})
  }
}
