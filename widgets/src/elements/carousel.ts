/** A row of items to leaf through. It never moves by itself. */
import type {Text} from '../types'
import {h, icon, icons} from './dom'

/**
 * Carousel turns a list into a row that snaps, with two buttons. Touch and
 * wheel scroll it as any row; the arrow keys go from item to item.
 */
export class Carousel {
  readonly frame: HTMLElement
  readonly #back = this.#button('back', icons.back, -1)
  readonly #on = this.#button('on', icons.on, 1)
  readonly #controls = h('div', {part: 'controls'}, this.#back, this.#on)

  constructor(readonly row: HTMLElement) {
    this.frame = h('section', {part: 'carousel'}, this.#controls, row)
    this.#controls.hidden = true
  }

  begin(life: AbortSignal): void {
    const room = new ResizeObserver(() => this.#mark())
    room.observe(this.row)
    life.addEventListener('abort', () => room.disconnect())
    this.row.addEventListener('scroll', () => this.#mark(), {signal: life, passive: true})
    this.row.addEventListener('keydown', event => this.#key(event), {signal: life})
  }

  /** Shows the row as a carousel, or as what it is without. */
  show(is: boolean, label: string | null, text: Text): void {
    this.#controls.hidden = !is
    const says: Record<string, string | null> = {
      role: label ? 'region' : is ? 'group' : null, 'aria-label': label || null, 'aria-roledescription': is ? text('list.carousel') : null,
    }
    for (const [name, value] of Object.entries(says))
      if (value) this.frame.setAttribute(name, value)
      else this.frame.removeAttribute(name)
    this.#back.setAttribute('aria-label', text('page.previous'))
    this.#on.setAttribute('aria-label', text('page.next'))
    this.#mark()
  }

  #button(part: string, path: string, by: 1 | -1): HTMLButtonElement {
    return h('button', {part: `control ${part}`, type: 'button', click: () => this.#leaf(by)}, icon(path))
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

  #key(event: KeyboardEvent): void {
    const by = {ArrowRight: 1, ArrowLeft: -1}[event.key]
    const links = [...this.row.querySelectorAll('a')]
    const at = links.indexOf(event.target as HTMLAnchorElement)
    const next = links[at + (by ?? 0) * this.#sense]
    if (!by || this.#controls.hidden || at < 0 || !next) return
    event.preventDefault()
    next.focus()
  }
}
