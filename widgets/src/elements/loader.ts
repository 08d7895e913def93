/** The base of the elements that show the result of a call. */
import type {StileError} from '../errors'
import {ErrorEvent, LoadEvent, type TokenFailedEvent} from '../events'
import {doc} from '../doc'
import {changes, core, retryToken} from '../page'
import type {Answer, Params} from '../types'
import {focusOn, StileElement} from './base'
import {h} from './dom'
import type {CardOptions} from './card'
import {keepLabels, Labels, wantedLabels, type ServedLabels} from './labels'
import {languageOf} from './language'
import {errorMessage} from './message'
import type {CallError} from './format'

/** A call of an element. */
export interface Request {
  readonly path: string
  readonly params?: Params
}

/** Codes of errors that neither the network nor a moment's wait resolves. */
const permanent = new Set(['challenge_required', 'not_found', 'bad_request'])

/**
 * Loader is the base of the elements that load content. Calls are metered, so it makes one only if
 * the request changes. An update with the same request, or a move in the document, does not cost a
 * call.
 */
export abstract class Loader<T> extends StileElement {
  /** Contains the content, or its skeleton while it is loading. */
  protected readonly content: HTMLElement = h('div', {part: 'content'})
  protected readonly note: HTMLElement = h('div', {part: 'note', role: 'status'})
  readonly #fallback = h('slot', {slotchange: () => this.#arrange()})
  #requested = ''
  #answer: Answer<T> | undefined
  #error: CallError | undefined
  /** The time before which the server would refuse the call again, in ms. */
  #retryAt = 0
  /** Reports that the page handles the error. */
  #isQuiet = false
  #call: AbortController | undefined

  constructor() {
    super()
    this.base.append(this.note, this.content, this.#fallback)
  }

  /** Returns the request that the attributes describe, or null if they are incomplete. */
  protected abstract request(): Request | null
  /** Reports whether the element tries another request after an error, instead of a message. */
  protected recovers(_error: CallError): boolean {
    return false
  }

  /** Shows a skeleton of the content, so that the layout does not move later. */
  protected abstract showSkeleton(): void
  /** Shows an answer. isNew is false if only attributes have changed since it was shown. */
  protected abstract show(answer: Answer<T>, isNew: boolean): void

  protected override begin(signal: AbortSignal): void {
    doc.addEventListener('stile:token-renewed', () => this.#recover(error => error.renewable), {signal})
    doc.addEventListener('stile:token-failed', event => this.#postpone(event as TokenFailedEvent), {signal})
    changes.addEventListener('configure', () => this.#recover(() => true), {signal})
    changes.addEventListener('wake', () => this.#recover(({code, renewable}) => !renewable && !permanent.has(code) && Date.now() >= this.#retryAt), {signal})
    signal.addEventListener('abort', () => this.#abort())
  }

  protected override update(): void {
    const request = this.request()
    const requested = JSON.stringify(request)
    if (requested !== this.#requested) {
      this.#abort()
      this.#requested = requested
      if (request && !this.#answer) this.showSkeleton()
      if (request) void this.#load(request)
      else this.#answer = this.#error = undefined
    } else if (this.#answer) this.show(this.#answer, false)
    else if (this.#error) this.#showMessage(this.#error)
    this.#arrange()
  }

  /** Records the time of the next attempt to get a token. */
  #postpone({detail}: TokenFailedEvent): void {
    if (this.#error?.code === 'token_endpoint') this.#retryAt = detail.retryAt
  }

  /** Makes the failed call again, if that may help now. */
  #recover(helps: (error: StileError) => boolean): void {
    if (this.#error && !this.#call && helps(this.#error as StileError)) this.reload()
  }

  /** The labels for the element's language. */
  protected get labels(): Labels {
    return new Labels(this.text.lang, this.getAttribute('facet-labels'))
  }

  /** The options of the element's cards, from its attributes. */
  protected get cardOptions(): CardOptions {
    return {host: this, link: this.getAttribute('link'), level: this.level, lang: this.text.lang, labels: this.labels, attributes: this.names(this.hasAttribute('card-attributes') ? 'card-attributes' : 'attributes')}
  }

  /** Makes the same call again. */
  protected reload(): void {
    this.#requested = ''
    this.changed()
  }

  /** Aborts the call that is under way, so that it can be made again. */
  #abort(): void {
    if (!this.#call) return
    this.#call.abort()
    this.#call = undefined
    this.#requested = ''
  }

  /** Makes a call, which also requests the labels of the element's language if they are missing. */
  protected async get<D>({path, params}: Request, signal: AbortSignal): Promise<Answer<D>> {
    const labels = wantedLabels(languageOf(this))
    // The parameter is not part of the request, so that labels that arrive don't cause a call.
    const answer = await core.get<D>(path, {...params, labels}, {signal})
    if (labels) keepLabels(labels, answer.meta.labels as ServedLabels | undefined)
    return answer
  }

  async #load(request: Request): Promise<void> {
    const call = this.#call = new AbortController()
    let answer: Answer<T> | undefined, error: unknown
    try {
      answer = await this.get<T>(request, call.signal)
    } catch (caught) {
      error = caught
    }
    await this.loadText()
    if (call.signal.aborted) return
    this.#call = undefined
    this.#answer = this.#error = undefined
    this.note.replaceChildren()
    if (answer) this.#showAnswer(answer)
    else this.#showError(error as CallError)
    this.#arrange()
  }

  #showAnswer(answer: Answer<T>): void {
    this.#answer = answer
    this.show(answer, true)
    this.dispatchEvent(new LoadEvent(answer.data, answer.meta))
  }

  /** Shows an error, unless the page handles it. */
  #showError(error: CallError): void {
    if (this.recovers(error)) return
    this.#error = error
    this.#retryAt = Date.now() + 1000 * ((error as StileError).retry_after || 0)
    this.#isQuiet = !this.dispatchEvent(new ErrorEvent(error)) || error.quiet
    this.#showMessage(error)
  }

  #showMessage(error: CallError): void {
    if (!this.#isQuiet) this.note.replaceChildren(errorMessage(error, this.text, () => this.#retryAt, () => {
      focusOn(this.base)
      retryToken()
      this.reload()
    }))
  }

  /**
   * Shows the content if it is loaded. Otherwise it shows the fallback or, if the element has none,
   * the skeleton while loading.
   */
  #arrange(): void {
    const isLoading = Boolean(this.#call), isLoaded = Boolean(this.#answer)
    // Templates are not a fallback. Own cards are in other slots.
    const hasFallback = this.#fallback.assignedNodes().some(node => node instanceof Element ? node.localName !== 'template' : node.textContent?.trim())
    this.content.hidden = !isLoaded && (hasFallback || !isLoading)
    this.content.inert = !isLoaded
    this.content.setAttribute('aria-busy', String(isLoading))
    this.#fallback.hidden = isLoaded
  }
}
