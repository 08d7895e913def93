/** The language of an element: the nearest `lang` around it, through shadow roots. */
import {core} from '../page'
import {pickLanguage} from '../lang'

/** The roots that the observer observes. */
const observed = new WeakSet<Node>()
const listeners = new Set<() => void>()

/** The page's only observer. It observes the document, and the shadow roots around elements. */
const observer = new MutationObserver(() => {
  for (const listener of listeners) listener()
})

/**
 * Returns the language of an element, such as "de" or "de-at": the configured one, else the nearest
 * `lang` that the layer has, else the browser's, else English.
 */
export function languageOf(element: Element): string {
  return pickLanguage(core.config.lang, ...languagesAround(element))
}

/** Calls listener when a `lang` changes, until signal aborts. */
export function observeLanguage(element: Element, listener: () => void, signal: AbortSignal): void {
  for (let root: Node | undefined = element; root;) {
    root = root.getRootNode()
    if (!observed.has(root)) observer.observe(root, {subtree: true, attributeFilter: ['lang']})
    observed.add(root)
    root = root instanceof ShadowRoot ? root.host : undefined
  }
  listeners.add(listener)
  signal.addEventListener('abort', () => listeners.delete(listener))
}

/**
 * Returns the values of `lang` around an element, the nearest first. It reads from prototypes,
 * because a form's inputs can replace the form's members.
 */
function languagesAround(element: Element): string[] {
  const found: string[] = []
  for (let node: Node | null = element; node; node = node instanceof ShadowRoot ? node.host : Reflect.get(Node.prototype, 'parentNode', node) as Node | null)
    if (node instanceof Element) found.push(Element.prototype.getAttribute.call(node, 'lang') ?? '')
  return found
}
