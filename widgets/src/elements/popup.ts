/** The suggestions below a search box: a listbox, of which the box is the combobox (WAI-ARIA 1.2). */
import type {Suggestion} from '../types'
import {fill, h} from './dom'
import {collectionName} from './words'

/**
 * Where a key leads among count options: -1 is none of them, the box itself.
 * Undefined where the key means nothing here. Home and End belong to the text
 * in the box until an option is active.
 */
export function step(key: string, active: number, count: number): number | undefined {
  if (!count) return undefined
  switch (key) {
    case 'ArrowDown': return active + 1 < count ? active + 1 : -1
    case 'ArrowUp': return active < 0 ? count - 1 : active - 1
    case 'Home': return active < 0 ? undefined : 0
    case 'End': return active < 0 ? undefined : count - 1
    default: return undefined
  }
}

/** Popup shows suggestions and which of them is active. The focus stays in the box. */
export class Popup {
  readonly list = h('ul', {part: 'suggestions', role: 'listbox', id: 'suggestions', hidden: true})
  active = -1
  #suggestions: readonly Suggestion[] = []

  constructor(readonly box: HTMLInputElement, choose: (chosen: Suggestion, event: Event) => void) {
    this.list.addEventListener('pointerdown', event => event.preventDefault()) // the box keeps the focus
    this.list.addEventListener('click', event => {
      const at = [...this.list.children].indexOf((event.target as Element).closest('li')!)
      const chosen = this.#suggestions[at]
      if (chosen) choose(chosen, event)
    })
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

  /** Shows suggestions; none close it. */
  show(suggestions: readonly Suggestion[]): void {
    this.#suggestions = suggestions
    fill(this.list, ...suggestions.map(({text, collection}, i) => h('li', {part: 'suggestion', role: 'option', id: `suggestion-${i}`},
      h('span', {}, text), collection && h('span', {part: 'suggestion-collection'}, collectionName(collection)))))
    this.open(suggestions.length > 0)
  }

  open(is: boolean): void {
    this.list.hidden = !is || !this.count
    this.box.setAttribute('aria-expanded', String(this.isOpen))
    this.go(-1)
  }

  /** Makes an option active, or none. */
  go(to: number): void {
    this.active = to
    for (const [i, option] of [...this.list.children].entries()) option.setAttribute('aria-selected', String(i === to))
    if (to < 0) return this.box.removeAttribute('aria-activedescendant')
    this.box.setAttribute('aria-activedescendant', `suggestion-${to}`)
    this.list.children[to]?.scrollIntoView({block: 'nearest'})
  }
}
