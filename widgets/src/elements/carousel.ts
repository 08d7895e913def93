/** A row of items to scroll through. It never moves without the visitor. */
import type {Text} from '../types'
import {button, h, icon, icons} from './dom'

/**
 * Carousel shows a list as a row with two buttons, which snaps to items. Touch, the wheel and, when
 * an item has the focus, the arrow keys scroll it like any other row.
 */
export class Carousel {
  readonly frame: HTMLElement
  readonly #back = this.#button('back', icons.back, -1)
  readonly #next = this.#button('on', icons.next, 1)
  readonly #controls = h('div', {part: 'controls'}, this.#back, this.#next)

  constructor(readonly row: HTMLElement) {
    this.frame = h('section', {part: 'carousel'}, this.#controls, row)
  }

  begin(signal: AbortSignal): void {
    const observer = new ResizeObserver(() => this.#updateButtons())
    observer.observe(this.row)
    signal.addEventListener('abort', () => observer.disconnect())
    this.row.addEventListener('scroll', () => this.#updateButtons(), {signal, passive: true})
  }

  /** Hides the buttons, if the row is shown as an ordinary list. */
  set hidden(hidden: boolean) {
    this.#controls.hidden = hidden
  }

  /** Labels the row, which makes it a region, and the buttons. */
  show(label: string | null, text: Text): void {
    if (label) this.frame.setAttribute('aria-label', label)
    else this.frame.removeAttribute('aria-label')
    this.#back.setAttribute('aria-label', text('page.previous'))
    this.#next.setAttribute('aria-label', text('page.next'))
    this.#updateButtons()
  }

  #button(part: string, path: string, by: 1 | -1): HTMLButtonElement {
    return button(`control ${part}`, () => this.#scroll(by), icon(path))
  }

  /** The sign of scrollLeft: 1 if the row runs from left to right, else -1. */
  get #direction(): number {
    return getComputedStyle(this.row).direction === 'rtl' ? -1 : 1
  }

  /** Scrolls by almost the visible width. */
  #scroll(by: number): void {
    this.row.scrollBy({left: by * this.#direction * this.row.clientWidth * 0.9})
  }

  /** Marks a button as disabled at the end of the row. It keeps the focus. */
  #updateButtons(): void {
    const {scrollWidth, clientWidth, scrollLeft} = this.row
    const position = Math.abs(scrollLeft)
    this.#back.setAttribute('aria-disabled', String(position < 2))
    this.#next.setAttribute('aria-disabled', String(position > scrollWidth - clientWidth - 2))
  }
}
