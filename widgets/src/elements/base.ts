/** The base of all elements: connection to the document, batched attribute changes, styles. */
import {own} from '../own'
import {core} from '../page'
import type {Text} from '../types'
import {h} from './dom'
import {sheet} from './style'

/**
 * StileElement is the base of the elements. Whatever `begin` starts must end when its signal
 * aborts, which happens when the element leaves the document. Several changes of attributes in one
 * task cause one `update`, because an update can cost a call.
 */
export abstract class StileElement extends HTMLElement {
  protected readonly base: HTMLElement = h('div', {part: 'base'})
  protected text!: Text
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
      this.update()
    })
  }

  /** Returns an attribute as a number between min and max, or the default if it is not a number. */
  protected number(name: string, byDefault: number, min: number, max: number): number {
    const value = parseInt(this.getAttribute(name) ?? '', 10)
    return isNaN(value) ? byDefault : Math.min(max, Math.max(min, value))
  }

  /** Returns the names in an attribute that separates them by commas. */
  protected names(attribute: string): string[] {
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
        if (value === null || value === undefined || value === false) this.removeAttribute(attribute)
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
