/**
 * A row of items to scroll through. It never moves without the visitor. This is the module
 * carousel.mjs, which is loaded on demand. It must not import the core.
 */
import type {Text} from '../types'
import {styles} from './styles'
import {button, icon, icons} from './dom'

/** Adds the styles of the buttons and of snapping to an element's shadow root. */
export const addStyles = styles(`
.control{inline-size:44px;padding:0;border-radius:50%}
[data-layout=carousel]{scroll-snap-type:x mandatory;scrollbar-width:none;scroll-padding-inline:5px;scroll-behavior:smooth}
[data-layout=carousel] .card{scroll-snap-align:start}
@media (prefers-reduced-motion:reduce){*{scroll-behavior:auto!important}}
`)

/**
 * Carousel adds two buttons to a row, which snaps to items. Touch, the wheel and, when
 * an item has the focus, the arrow keys scroll it like any other row.
 */
export class Carousel {
  readonly #back = this.#button('back', icons.back, -1)
  readonly #next = this.#button('on', icons.next, 1)

  constructor(controls: HTMLElement, readonly row: HTMLElement) {
    controls.append(this.#back, this.#next)
  }

  begin(signal: AbortSignal): void {
    const observer = new ResizeObserver(() => this.#updateButtons())
    observer.observe(this.row)
    signal.addEventListener('abort', () => observer.disconnect())
    this.row.addEventListener('scroll', () => this.#updateButtons(), {signal, passive: true})
  }

  /** Labels the buttons, and shows where the row can be scrolled to. */
  show(text: Text): void {
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
