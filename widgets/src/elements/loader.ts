/** An element that shows what one call answers. */
import type {StileError} from '../errors'
import {ErrorEvent, LoadEvent} from '../events'
import {doc} from '../doc'
import {core, texts} from '../page'
import type {Answer, Params} from '../types'
import {focusOn, StileElement} from './base'
import {h} from './dom'
import {faultMessage} from './message'
import type {Fault} from './words'

export interface Request {
  readonly path: string
  readonly params?: Params
}

/**
 * Base of the elements that load. A call is metered, so there is one for each
 * different request: not for an update that asks for the same, nor when the
 * element is moved in the document.
 */
export abstract class Loader<T> extends StileElement {
  /** Where the content goes, and bones in its place. */
  protected readonly content: HTMLElement = h('div', {part: 'content'})
  protected readonly note: HTMLElement = h('div', {part: 'note', role: 'status'})
  readonly #fallback = h('slot', {slotchange: () => this.#arrange()})
  #asked = ''
  #answer: Answer<T> | undefined
  #fault: Fault | undefined
  #call: AbortController | undefined

  constructor() {
    super()
    this.base.append(this.note, this.content, this.#fallback)
  }

  /** What to ask for, as the attributes say; null where they don't say enough. */
  protected abstract request(): Request | null
  /** Puts bones where the content will be, so that nothing moves when it comes. */
  protected abstract wait(): void
  /** Shows an answer. It is fresh the first time; later only attributes have changed. */
  protected abstract show(answer: Answer<T>, fresh: boolean): void

  protected override begin(life: AbortSignal): void {
    doc.addEventListener('stile:token-renewed', () => (this.#fault as StileError | undefined)?.renewable && this.again(), {signal: life})
    life.addEventListener('abort', () => this.#giveUp())
  }

  protected override update(): void {
    const request = this.request()
    const asked = JSON.stringify(request)
    if (asked !== this.#asked) {
      this.#giveUp()
      this.#asked = asked
      if (request && !this.#answer) this.wait()
      if (request) void this.#load(request)
      else this.#answer = this.#fault = undefined
    } else if (this.#answer) this.show(this.#answer, false)
    this.#arrange()
  }

  /** Asks once more. */
  protected again(): void {
    this.#asked = ''
    this.changed()
  }

  /** Leaves a call that is under way, as if it had not been asked. */
  #giveUp(): void {
    if (!this.#call) return
    this.#call.abort()
    this.#call = undefined
    this.#asked = ''
  }

  async #load({path, params}: Request): Promise<void> {
    const call = this.#call = new AbortController()
    let answer: Answer<T> | undefined, fault: unknown
    try {
      answer = await core.get<T>(path, params, {signal: call.signal})
    } catch (error) {
      fault = error
    }
    this.text = await texts()
    if (call.signal.aborted) return
    this.#call = undefined
    this.#answer = this.#fault = undefined
    this.note.replaceChildren()
    if (answer) this.#succeeds(answer)
    else this.#fails(fault as Fault)
    this.#arrange()
  }

  #succeeds(answer: Answer<T>): void {
    this.#answer = answer
    this.show(answer, true)
    this.dispatchEvent(new LoadEvent(answer.data, answer.meta))
  }

  /** Shows a fault, if neither the core nor the page has dealt with it. */
  #fails(fault: Fault): void {
    this.#fault = fault
    if (!this.dispatchEvent(new ErrorEvent(fault)) || fault.quiet) return
    this.note.replaceChildren(faultMessage(fault, this.text, () => {
      focusOn(this.base)
      this.again()
    }))
  }

  /** The content once it is there; until then, and where it can't be had, the element's children; bones if it has none. */
  #arrange(): void {
    const waits = Boolean(this.#call), has = Boolean(this.#answer)
    const own = this.childElementCount > 0 || Boolean(this.textContent?.trim())
    this.content.hidden = !has && (own || !waits)
    this.content.inert = !has
    this.content.setAttribute('aria-busy', String(waits))
    this.#fallback.hidden = has
  }
}
