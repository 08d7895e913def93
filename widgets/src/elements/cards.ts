/** The cards in a list: the layer's, or the page's if the element contains a <template>. */
import {warn} from '../developer'
import {part} from '../part'
import type {Item} from '../types'
import {card, type CardOptions} from './card'
import {itemURL, select, webURL} from './link'
import type {OwnCards} from './template'

/** Cards shows items in a list. It loads template.mjs, which shows own cards, when needed. */
export class Cards {
  #own: OwnCards | undefined
  #changed!: () => void

  constructor(readonly host: HTMLElement, readonly list: HTMLElement) {}

  /**
   * Calls changed when the template is there, or has changed, or when a framework has removed own
   * cards with other children of the element. The element then shows its items again.
   */
  begin(signal: AbortSignal, changed: () => void): void {
    this.#changed = changed
    const observer = new MutationObserver(records => {
      if (this.#own ? this.#own.concerns(records) : this.#template) changed()
    })
    observer.observe(this.host, {childList: true})
    signal.addEventListener('abort', () => {
      observer.disconnect()
      this.#own?.end()
    })
    this.#load()
  }

  /**
   * Shows items instead of those in the list. If the part for own cards is still loading, the list
   * stays as it is, and changed is called.
   */
  show(items: readonly Item[], options: CardOptions): void {
    if (this.#load() === undefined) return
    this.#own?.remove()
    this.list.replaceChildren()
    this.add(items, options)
  }

  /** Adds items to the list. */
  add(items: readonly Item[], options: CardOptions): void {
    const template = this.#template
    this.list.append(...items.map(item => template && this.#own ? this.#own.card(template, item, options) : card(item, options)))
  }

  get #template(): HTMLTemplateElement | null {
    return this.host.querySelector<HTMLTemplateElement>(':scope>template')
  }

  /** Loads the part if there is a template. Undefined: it is loading. null: it is not needed. */
  #load(): OwnCards | null | undefined {
    if (!this.#template || this.#own) return this.#own ?? null
    const loaded = part<typeof import('./template')>('template.mjs', this.#changed)
    return loaded ? this.#own = new loaded.OwnCards(this.host, this.#changed, {warn, itemURL, select, webURL}) : loaded
  }
}
