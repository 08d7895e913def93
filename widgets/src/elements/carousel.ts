/** A row of items to leaf through. It never moves by itself. */
import type {Text} from '../types'
import {button, h, icon, icons} from './dom'

/**
 * Carousel turns a list into a row that snaps, with two buttons. Touch,
 * wheel and, from an item in it, the arrow keys scroll it as any row.
 */
export class Carousel {
  readonly frame: HTMLElement
  readonly #back = this.#button('back', icons.back, -1)
  readonly #on = this.#button('on', icons.on, 1)
  readonly #controls = h('div', {part: 'controls'}, this.#back, this.#on)

  constructor(readonly row: HTMLElement) {
    this.frame = h('section', {part: 'carousel'}, this.#controls, row)
  }

  begin(life: AbortSignal): void {
    const room = new ResizeObserver(() => this.#mark())
    room.observe(this.row)
    life.addEventListener('abort', () => room.disconnect())
    this.row.addEventListener('scroll', () => this.#mark(), {signal: life, passive: true})
  }

  /** Whether the row is a list like others, without buttons. */
  set hidden(is: boolean) {
    this.#controls.hidden = is
  }

  /** Names the row, which makes it a region, and its buttons. */
  show(label: string | null, text: Text): void {
    if (label) this.frame.setAttribute('aria-label', label)
    else this.frame.removeAttribute('aria-label')
    this.#back.setAttribute('aria-label', text('page.previous'))
    this.#on.setAttribute('aria-label', text('page.next'))
    this.#mark()
  }

  #button(part: string, path: string, by: 1 | -1): HTMLButtonElement {
    return button(`control ${part}`, () => this.#leaf(by), icon(path))
  }

  /** 1 where the row runs from left to right, else -1: so does scrollLeft. */
  get #sense(): number {
    return getComputedStyle(this.row).direction === 'rtl' ? -1 : 1
  }

  /** Goes on by what is seen. */
  #leaf(by: number): void {
    this.row.scrollBy({left: by * this.#sense * this.row.clientWidth * 0.9})
  }

  /** A button that leads nowhere says so, and keeps the focus. */
  #mark(): void {
    const {scrollWidth, clientWidth, scrollLeft} = this.row
    const at = Math.abs(scrollLeft)
    this.#back.setAttribute('aria-disabled', String(at < 2))
    this.#on.setAttribute('aria-disabled', String(at > scrollWidth - clientWidth - 2))
  }
}
