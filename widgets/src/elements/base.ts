/** What all elements share: a life in the document, attributes that change together, a look. */
import {own} from '../own'
import {core} from '../page'
import type {Text} from '../types'
import {h} from './dom'
import {sheet} from './style'

/**
 * Base of the elements. What `begin` starts ends with `life`, when the element
 * leaves the document. Changes of attributes in one task lead to one `update`,
 * or each of them would cost a call.
 */
export abstract class StileElement extends HTMLElement {
  protected readonly base: HTMLElement = h('div', {part: 'base'})
  protected text!: Text
  #life: AbortController | undefined
  #changed = false

  constructor() {
    super()
    const root = this.attachShadow({mode: 'open'})
    root.adoptedStyleSheets = [sheet()]
    root.append(this.base)
  }

  /** Starts what lasts while the element is in the document. */
  protected abstract begin(life: AbortSignal): void
  /** Shows what the attributes say now. */
  protected abstract update(): void

  connectedCallback(): void {
    adopt(this)
    this.#life = new AbortController()
    this.begin(this.#life.signal)
    this.changed()
  }

  disconnectedCallback(): void {
    this.#life?.abort()
    this.#life = undefined
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before !== after) this.changed()
  }

  /** Asks for an update once everything that changes with it has changed. */
  protected changed(): void {
    if (this.#changed || !this.#life) return
    this.#changed = true
    queueMicrotask(() => {
      this.#changed = false
      if (!this.#life) return
      this.base.dataset['theme'] = core.config.theme
      this.update()
    })
  }

  /** An attribute as a number within bounds. */
  protected number(name: string, otherwise: number, least: number, most: number): number {
    const value = parseInt(this.getAttribute(name) ?? '', 10)
    return isNaN(value) ? otherwise : Math.min(most, Math.max(least, value))
  }

  /** The level of the headings, for the page's outline: attribute `heading-level`. */
  protected get level(): number {
    return this.number('heading-level', 2, 1, 6)
  }
}

/** Puts the focus on a node; on one that takes none by itself, for as long as it stays there. */
export function focusOn(node: HTMLElement): void {
  if (node.tabIndex < 0) {
    node.tabIndex = -1
    node.addEventListener('blur', () => node.removeAttribute('tabindex'), {once: true})
  }
  node.focus()
}

type Defined = CustomElementConstructor & {readonly observedAttributes: readonly string[]}

/** Makes each attribute a property too, in camel case; flags are true or false, the others texts. */
export function reflect(element: Defined, flags: readonly string[] = []): void {
  for (const attribute of element.observedAttributes)
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

/** Takes properties that were set before the element was defined to where their setters are. */
function adopt(element: HTMLElement): void {
  const mine = element as unknown as Record<string, unknown>
  for (const name of (element.constructor as Defined).observedAttributes.map(camel)) {
    if (!Object.hasOwn(mine, name)) continue
    const value = mine[name]
    delete mine[name]
    mine[name] = value
  }
}

function camel(attribute: string): string {
  return attribute.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
