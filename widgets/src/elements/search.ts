/** <stile-search>: a search box with suggestions. */
import {ErrorEvent} from '../events'
import {doc} from '../doc'
import {reportMistake, warn} from '../developer'
import {changes, core, retryToken} from '../page'
import type {StileError} from '../errors'
import type {Suggestion} from '../types'
import {reflect, StileElement} from './base'
import {boxes} from './boxes'
import {itemURL, opensElsewhere, select, webURL} from './link'
import {button, fill, h, icon, icons} from './dom'
import {languageOf} from './language'
import {errorMessage} from './message'
import {nextOption, Popup} from './popup'
import {plural, type CallError} from './format'
import {maxQuery, queryOf} from './query-text'

/** The time in ms after which the results that `for` names must be on the page. */
const targetTime = 3_000

/** The results, which may not be defined yet. typed: see <stile-results>. */
type Results = Element & {typed?(q: string, least: number): boolean}

/** The pause in typing before suggestions are requested, in ms. */
const typingPause = 180

/**
 * Attributes:
 * - `for`: the id of the <stile-results> that it searches. Default: the first on the page.
 * - `action`: the URL of a page to open with ?q= if this page has no such <stile-results>. There,
 *   the results need deep-link="query".
 * - `link`: the page of an item, such as "/recipes/{id}". A suggestion opens it.
 * - `label` and `placeholder`.
 * - `collection`: limits the suggestions to this collection.
 * - `min-chars`: the minimum number of characters for suggestions, 2 by default.
 */
export class StileSearch extends StileElement {
  static readonly observedAttributes = ['for', 'action', 'link', 'label', 'placeholder', 'collection', 'min-chars']
  readonly #box = h('input', {
    part: 'input', id: 'box', role: 'combobox', type: 'text', inputmode: 'search', enterkeyhint: 'search', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', maxlength: maxQuery,
    'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'suggestions',
    input: event => this.#typed(event as InputEvent), keydown: event => this.#key(event as KeyboardEvent), blur: () => this.#popup.open(false), compositionend: () => this.#typed(),
  })
  readonly #popup: Popup = new Popup(this.#box, (chosen, event) => this.#chooseSuggestion(chosen, event))
  readonly #label = h('label', {part: 'label', for: 'box'})
  readonly #clear = button('clear', () => this.#clearBox(), icon(icons.cross))
  readonly #submit = h('button', {part: 'button submit', type: 'submit'})
  readonly #status = h('p', {class: 'sr-only', role: 'status'})
  readonly #note = h('div', {part: 'note', role: 'status'})
  #timer = 0
  /** The time before which the server would refuse suggestions again, in ms. */
  #retryAt = 0
  #call: AbortController | undefined

  constructor() {
    super()
    this.base.append(
      h('form', {part: 'form', role: 'search', submit: event => this.#submitForm(event)},
        this.#label, h('div', {part: 'box'}, icon(icons.search), this.#box, this.#clear, this.#submit, this.#popup.list)),
      this.#status, this.#note, h('slot', {hidden: true}))
  }

  protected override begin(signal: AbortSignal): void {
    boxes.add(this)
    signal.addEventListener('abort', () => {
      boxes.delete(this)
      this.#abort()
    })
    doc.addEventListener('stile:token-renewed', () => this.#recover(), {signal})
    for (const type of ['configure', 'wake']) changes.addEventListener(type, () => this.#recover(), {signal})
    setTimeout(() => signal.aborted || this.#checkTarget(), targetTime)
  }

  /** Removes the message that there are no suggestions, and requests them again if they help. */
  #recover(): void {
    if (!this.#note.firstChild || Date.now() < this.#retryAt) return
    this.#note.replaceChildren()
    if (this.matches(':focus-within')) this.#typed()
  }

  /** Reports that `for` names nothing. With `action`, the results may be on that page. */
  #checkTarget(): void {
    const id = this.getAttribute('for')
    if (id && !this.getAttribute('action') && !this.#results) reportMistake(dev => dev.target(id))
  }

  protected override update(): void {
    this.#updateLabels()
    const results = this.#results
    if (results) this.shows(results, false)
  }

  /** Sets the labels. Before the texts are loaded, it only sets those that the page supplies. */
  #updateLabels(): void {
    const label = this.getAttribute('label') || this.text?.('search') || ''
    this.#label.textContent = label
    this.#popup.list.setAttribute('aria-label', label)
    this.#box.placeholder = this.getAttribute('placeholder') || ' ' // for :placeholder-shown
    if (!this.text) return
    this.#submit.textContent = this.text('search')
    this.#clear.setAttribute('aria-label', this.text('clear'))
  }

  shows(results: Element, always: boolean): void {
    if (results !== this.#results || !always && this.matches(':focus-within')) return
    const q = queryOf(results.getAttribute('query') ?? '')
    if (q === queryOf(this.#box.value)) return
    this.#abort()
    this.#popup.show([])
    this.#note.replaceChildren()
    this.#box.value = q
  }

  get #results(): Results | null {
    const id = this.getAttribute('for'), here = this.getRootNode()
    if (!id) return doc.querySelector<Results>('stile-results')
    // The selector includes the element's name, because other elements may have the same id.
    const results = 'stile-results#' + CSS.escape(id)
    return here instanceof ShadowRoot && here.querySelector<Results>(results) || doc.querySelector<Results>(results)
  }

  #typed(event?: InputEvent): void {
    if (event?.isComposing) return
    this.#abort()
    const typed = queryOf(this.#box.value), least = this.number('min-chars', 2, 1, 64)
    // Suggestions would cover the results that follow while typing.
    if (this.#results?.typed?.(typed, least) || typed.length < least) this.#popup.show([])
    else this.#timer = window.setTimeout(() => void this.#suggest(typed), typingPause)
  }

  /** Aborts a pending request for suggestions. */
  #abort(): void {
    clearTimeout(this.#timer)
    this.#call?.abort()
    this.#call = undefined
  }

  async #suggest(typed: string): Promise<void> {
    const {signal} = this.#call = new AbortController()
    const only = this.getAttribute('collection')
    try {
      const {data} = await core.get<Suggestion[]>('/v1/suggest', {q: typed}, {signal})
      if (signal.aborted) return
      this.#note.replaceChildren()
      this.#popup.show(data.filter(({collection}) => !only || collection === only), languageOf(this))
      this.#status.textContent = this.text ? plural(this.text, 'results.count', this.#popup.count) : ''
    } catch (error) {
      if (!signal.aborted) this.#showError(error as CallError)
    }
  }

  /**
   * Shows why there are no suggestions. The search still works. Half a query that the server can't
   * answer is not a reason to interrupt the visitor.
   */
  #showError(error: CallError): void {
    this.#popup.show([])
    const isShown = this.dispatchEvent(new ErrorEvent(error)) && !error.quiet && error.code !== 'bad_request'
    this.#retryAt = Date.now() + 1000 * ((error as StileError).retry_after ?? 0)
    fill(this.#note, isShown && errorMessage(error, this.text, () => this.#retryAt, () => {
      retryToken()
      this.#note.replaceChildren()
      this.#box.focus()
      this.#typed()
    }))
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return
    if (event.key === 'Enter' && this.#popup.chosen) return this.#chooseSuggestion(this.#popup.chosen, event)
    if (event.ctrlKey || event.metaKey) return
    if (event.key === 'Escape') return this.#escape(event)
    if (!this.#popup.isOpen && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      this.#popup.open(true)
      if (event.altKey) return event.preventDefault()
    }
    const to = this.#popup.isOpen ? nextOption(event.key, this.#popup.active, this.#popup.count) : undefined
    if (to === undefined) return
    event.preventDefault()
    this.#popup.activate(to)
  }

  /** Closes the suggestions. If they are closed, it clears the box. */
  #escape(event: Event): void {
    if (!this.#popup.isOpen && !this.#box.value) return
    event.preventDefault()
    if (this.#popup.isOpen) this.#popup.open(false)
    else this.#clearBox()
  }

  #clearBox(): void {
    this.#box.value = ''
    this.#typed()
    this.#box.focus()
    this.#search()
  }

  #submitForm(event: Event): void {
    event.preventDefault()
    this.#search()
  }

  #chooseSuggestion(chosen: Suggestion, event: Event): void {
    event.preventDefault()
    const item = {id: chosen.id, collection: chosen.collection, title: chosen.text}
    const href = itemURL(item, this.getAttribute('link'))
    if (href && opensElsewhere(event)) return void open(href, '_blank', 'noopener')
    this.#box.value = chosen.text
    if (!select(this, item, event)) this.#popup.open(false)
    else if (href) location.assign(href)
    else this.#search()
  }

  /** Sets the query of the results, or opens the page that has them. */
  #search(): void {
    this.#abort()
    this.#popup.open(false)
    this.#checkTarget()
    const q = queryOf(this.#box.value), results = this.#results, url = webURL(this.getAttribute('action'))
    this.#box.value = q
    if (results) results.setAttribute('query', q)
    else if (url && q) {
      url.searchParams.set('q', q)
      location.assign(url)
    } else if (!url) warn('<stile-search>: add <stile-results> or an action')
    if (matchMedia('(pointer: coarse)').matches) this.#box.blur() // closes the on-screen keyboard
  }
}
reflect(StileSearch)
