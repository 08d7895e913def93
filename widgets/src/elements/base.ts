/** The base of all elements: connection to the document, batched attribute changes, styles. */
import {own} from '../own'
import {reportMistake} from '../developer'
import {textIn} from '../lang'
import {changes, core} from '../page'
import type {Text} from '../types'
import {h} from './dom'
import {languageOf, observeLanguage} from './language'
import {sheet} from './style'
import {unknownValues} from './values'

/**
 * StileElement is the base of the elements. Whatever `begin` starts must end when its signal
 * aborts, which happens when the element leaves the document. Several changes of attributes in one
 * task cause one `update`, because an update can cost a call.
 */
export abstract class StileElement extends HTMLElement {
  protected readonly base: HTMLElement = h('div', {part: 'base'})
  /** The texts in the element's language. Undefined until loadText() has settled once. */
  protected text!: Text
  #lang = ''
  #loading = Promise.resolve()
  #connection: AbortController | undefined
  #changed = false

  constructor() {
    super()
    const root = this.attachShadow({mode: 'open'})
    root.adoptedStyleSheets = [sheet()]
    root.append(this.base)
  }

  /** Starts what lasts until the element leaves the document, when signal aborts. */
  protected abstract begin(signal: AbortSignal): void
  /** Shows what the attributes currently require. */
  protected abstract update(): void

  connectedCallback(): void {
    upgradeProperties(this)
    this.#connection = new AbortController()
    this.begin(this.#connection.signal)
    changes.addEventListener('configure', () => this.changed(), this.#connection)
    observeLanguage(this, () => languageOf(this) !== this.#lang && this.changed(), this.#connection.signal)
    this.changed()
  }

  disconnectedCallback(): void {
    this.#connection?.abort()
    this.#connection = undefined
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before !== after) this.changed()
  }

  /** Schedules one update for all changes of the current task. */
  protected changed(): void {
    if (this.#changed || !this.#connection) return
    this.#changed = true
    queueMicrotask(() => {
      this.#changed = false
      if (!this.#connection) return
      this.base.dataset['theme'] = core.config.theme
      for (const unknown of unknownValues(this)) reportMistake(dev => dev.value(this.localName, ...unknown))
      void this.loadText()
      this.update()
    })
  }

  /**
   * Waits for the texts in the element's language. If the language has changed, an update follows.
   */
  protected loadText(): Promise<void> {
    const lang = languageOf(this)
    if (lang !== this.#lang) this.#loading = this.#loadTextIn(this.#lang = lang)
    return this.#loading
  }

  async #loadTextIn(lang: string): Promise<void> {
    const text = await textIn(lang)
    if ((this.text as Text | undefined) && lang !== this.#lang) return // it has changed again
    this.text = text
    this.changed()
  }

  /** Returns an attribute as a number between min and max, or the default if it is not a number. */
  protected number(name: string, byDefault: number, min: number, max: number): number {
    const given = this.getAttribute(name) ?? '', value = parseInt(given, 10)
    if (given && !(value >= min && value <= max)) reportMistake(dev => dev.range(this.localName, name, given, min, max))
    return isNaN(value) ? byDefault : Math.min(max, Math.max(min, value))
  }

  /** Returns the names in an attribute that separates them by commas. */
  names(attribute: string): string[] {
    return (this.getAttribute(attribute) ?? '').split(',').map(name => name.trim()).filter(Boolean)
  }

  /** The level of the headings, from the attribute `heading-level`. */
  protected get level(): number {
    return this.number('heading-level', 2, 1, 6)
  }
}

/** Focuses a node. A node that is not focusable becomes so until it loses the focus. */
export function focusOn(node: HTMLElement): void {
  if (node.tabIndex < 0) {
    node.tabIndex = -1
    node.addEventListener('blur', () => node.removeAttribute('tabindex'), {once: true})
  }
  node.focus()
}

type Defined = CustomElementConstructor & {readonly observedAttributes: readonly string[]}

/**
 * Defines a property for each attribute, in camel case. Flags are booleans, the others strings. The
 * attribute `attributes` has none, because every element has a property of that name. Frameworks
 * that set properties use `card-attributes`.
 */
export function reflect(element: Defined, flags: readonly string[] = []): void {
  for (const attribute of element.observedAttributes.filter(attribute => attribute !== 'attributes'))
    Object.defineProperty(element.prototype, camel(attribute), own({
      configurable: true,
      get(this: HTMLElement) {
        return flags.includes(attribute) ? this.hasAttribute(attribute) : this.getAttribute(attribute) ?? ''
      },
      set(this: HTMLElement, value: unknown) {
        if (value == null || value === false) this.removeAttribute(attribute)
        else this.setAttribute(attribute, value === true ? '' : String(value))
      },
    }))
}

/** Moves properties that were set before the element was defined to their setters. */
function upgradeProperties(element: HTMLElement): void {
  const properties = element as unknown as Record<string, unknown>
  for (const name of (element.constructor as Defined).observedAttributes.map(camel)) {
    if (!Object.hasOwn(properties, name)) continue
    const value = properties[name]
    delete properties[name]
    properties[name] = value
  }
}

function camel(attribute: string): string {
  return attribute.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
