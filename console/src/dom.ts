/** What several parts of the script need. */

interface Policy {
  createHTML(html: string): string
}

// TypeScript's library does not know Trusted Types yet.
const trusted = (globalThis as {trustedTypes?: {createPolicy(name: string, rules: Policy): Policy}}).trustedTypes
const policy = trusted?.createPolicy('stile-console', {createHTML: html => html})

/**
 * Parses a page of the console. The result is a document without scripts that run; only elements
 * that importNode copies from it are shown.
 */
export function parse(html: string): Document {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, 'text/html')
}

/** Returns the element at or above an event's target that matches a selector. */
export function at<E extends Element>(event: Event, selector: string): E | null {
  return event.target instanceof Element ? event.target.closest<E>(selector) : null
}

/** Makes an element with a text. */
export function element<K extends keyof HTMLElementTagNameMap>(name: K, text = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

/** Reports whether the person types in a field. */
export function isTyping(): boolean {
  const focused = document.activeElement
  return focused instanceof HTMLElement && (focused.isContentEditable || focused.matches('input:not([type=checkbox]):not([type=radio]), textarea, select'))
}
