/** <stile-search>: a search box with suggestions. */
import {ErrorEvent} from '../events'
import {doc} from '../doc'
import {core, texts} from '../page'
import type {Suggestion} from '../types'
import {reflect, StileElement} from './base'
import {address, choose, web} from './choice'
import {button, fill, h, icon, icons} from './dom'
import {faultMessage} from './message'
import {Popup, step} from './popup'
import {plural, type Fault} from './words'

/** How long typing rests before suggestions are asked for, in ms. */
const rest = 180

/**
 * Attributes: `for` (the id of the <stile-results> that it searches, else the
 * first on the page), `action` (the address of a page to go to with ?q= where
 * there are none), `link` (the address of an item's page, such as
 * "/recipe?item={id}", to which a suggestion leads straight), `label`,
 * `placeholder`, `collection` (suggestions of this one alone), `min-chars`
 * (2: from how many characters on it suggests).
 */
export class StileSearch extends StileElement {
  static readonly observedAttributes = ['for', 'action', 'link', 'label', 'placeholder', 'collection', 'min-chars']
  readonly #box = h('input', {
    part: 'input', id: 'box', role: 'combobox', type: 'text', inputmode: 'search', enterkeyhint: 'search', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
    'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': 'suggestions',
    input: event => this.#typed(event as InputEvent), keydown: event => this.#key(event as KeyboardEvent), blur: () => this.#popup.open(false), compositionend: () => this.#typed(),
  })
  readonly #popup: Popup = new Popup(this.#box, (chosen, event) => this.#chose(chosen, event))
  readonly #label = h('label', {part: 'label', for: 'box'})
  readonly #clear = button('clear', () => this.#empty(), icon(icons.cross))
  readonly #submit = h('button', {part: 'button submit', type: 'submit'})
  readonly #status = h('p', {class: 'unseen', role: 'status'})
  readonly #note = h('div', {part: 'note', role: 'status'})
  #timer = 0
  #call: AbortController | undefined

  constructor() {
    super()
    this.base.append(
      h('form', {part: 'form', role: 'search', submit: event => this.#submitted(event)},
        this.#label, h('div', {part: 'box'}, icon(icons.search), this.#box, this.#clear, this.#submit, this.#popup.list)),
      this.#status, this.#note, h('slot', {hidden: true}))
  }

  protected override begin(life: AbortSignal): void {
    life.addEventListener('abort', () => this.#rest())
  }

  protected override update(): void {
    this.#words()
    void texts().then(text => {
      this.text = text
      this.#words()
    })
    const results = this.#results
    if (results) this.shows(results)
  }

  /** Labels it, as far as the texts are there; the page's own label needs none. */
  #words(): void {
    const label = this.getAttribute('label') || this.text?.('search') || ''
    this.#label.textContent = label
    this.#popup.list.setAttribute('aria-label', label)
    this.#box.placeholder = this.getAttribute('placeholder') ?? ''
    if (!this.text) return
    this.#submit.textContent = this.text('search')
    this.#clear.setAttribute('aria-label', this.text('clear'))
  }

  /** Takes over what results have been asked for, if they are this box's. */
  shows(results: Element): void {
    if (results !== this.#results || this.matches(':focus-within')) return
    this.#box.value = results.getAttribute('query') ?? ''
    this.#clear.hidden = !this.#box.value
  }

  get #results(): Element | null {
    const id = this.getAttribute('for'), here = this.getRootNode()
    if (!id) return doc.querySelector('stile-results')
    const results = 'stile-results#' + CSS.escape(id) // no other element of that id: a form's members may be its children
    return here instanceof ShadowRoot && here.querySelector(results) || doc.querySelector(results)
  }

  #typed(event?: InputEvent): void {
    this.#clear.hidden = !this.#box.value
    if (event?.isComposing) return
    this.#rest()
    if (this.#box.value.trim().length < this.number('min-chars', 2, 1, 64)) this.#popup.show([])
    else this.#timer = window.setTimeout(() => void this.#suggest(this.#box.value.trim()), rest)
  }

  /** Leaves what is being asked for. */
  #rest(): void {
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
      this.#popup.show(data.filter(({collection}) => !only || collection === only))
      this.#status.textContent = this.text ? plural(this.text, 'results.count', this.#popup.count) : ''
    } catch (error) {
      if (!signal.aborted) this.#fails(error as Fault)
    }
  }

  /** Searching goes on without suggestions. */
  #fails(fault: Fault): void {
    this.#popup.show([])
    const says = this.dispatchEvent(new ErrorEvent(fault)) && !fault.quiet
    fill(this.#note, says && faultMessage(fault, this.text, () => {
      this.#note.replaceChildren()
      this.#box.focus()
      this.#typed()
    }))
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing || event.ctrlKey || event.metaKey) return
    if (event.key === 'Escape') return this.#escape(event)
    if (event.key === 'Enter' && this.#popup.chosen) return this.#chose(this.#popup.chosen, event)
    if (!this.#popup.isOpen && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      this.#popup.open(true)
      if (event.altKey) return event.preventDefault()
    }
    const to = this.#popup.isOpen ? step(event.key, this.#popup.active, this.#popup.count) : undefined
    if (to === undefined) return
    event.preventDefault()
    this.#popup.go(to)
  }

  /** Escape closes the suggestions, then empties the box. */
  #escape(event: Event): void {
    if (!this.#popup.isOpen && !this.#box.value) return
    event.preventDefault()
    if (this.#popup.isOpen) this.#popup.open(false)
    else this.#empty()
  }

  #empty(): void {
    this.#box.value = ''
    this.#typed()
    this.#box.focus()
    this.#search()
  }

  #submitted(event: Event): void {
    event.preventDefault()
    this.#search()
  }

  #chose(chosen: Suggestion, event: Event): void {
    event.preventDefault()
    this.#box.value = chosen.text
    const item = {id: chosen.id, collection: chosen.collection, title: chosen.text}
    if (!choose(this, item, event)) return this.#popup.open(false)
    const href = address(item, this.getAttribute('link'))
    if (href) location.assign(href)
    else this.#search()
  }

  /** Has the results show what is in the box, or goes to the page that has them. */
  #search(): void {
    this.#rest()
    this.#popup.open(false)
    const q = this.#box.value.trim(), results = this.#results, url = web(this.getAttribute('action'))
    if (results) results.setAttribute('query', q)
    else if (url && q) {
      url.searchParams.set('q', q)
      location.assign(url)
    }
    if (matchMedia('(pointer: coarse)').matches) this.#box.blur() // the keyboard makes room for what is found
  }
}
reflect(StileSearch)
