/** Reports changes of the page's URL, whoever makes them. */

/**
 * Called when the page's URL has changed. isTraversal reports that the visitor may have gone back
 * or forward. A listener can be called more than once for one change.
 */
type Listener = (isTraversal: boolean) => void

const listeners = new Set<Listener>()

/**
 * Calls the listener when the URL changes, until signal aborts. history.pushState() and
 * replaceState() raise no event of the window, so the Navigation API reports them. In browsers
 * without that API, the two functions are wrapped.
 */
export function onNavigation(listener: Listener, signal: AbortSignal): void {
  const api = navigationAPI()
  if (api) api.addEventListener('currententrychange', event => listener((event as {navigationType?: string | null}).navigationType === 'traverse'), {signal})
  else follow(listener, signal)
  // Also raised when the hash changes.
  addEventListener('popstate', () => listener(true), {signal})
  addEventListener('pageshow', event => event.persisted && listener(true), {signal})
}

/** Returns the Navigation API. A variable of the page, or markup with that id, is not the API. */
function navigationAPI(): EventTarget | undefined {
  const {navigation} = globalThis as {navigation?: unknown}
  return navigation instanceof EventTarget && 'currentEntry' in navigation ? navigation : undefined
}

/** The functions of the history that have to be wrapped. */
let unwrapped = ['pushState', 'replaceState'] as const as readonly ('pushState' | 'replaceState')[]

function follow(listener: Listener, signal: AbortSignal): void {
  unwrapped.forEach(wrap)
  unwrapped = []
  listeners.add(listener)
  signal.addEventListener('abort', () => listeners.delete(listener))
}

/**
 * Wraps a function of the history, where it is defined: a script that has wrapped it before, or
 * wraps it later, still gets each call. It is never unwrapped, because that would remove the
 * wrapper of a later script, too.
 */
function wrap(name: 'pushState' | 'replaceState'): void {
  const owner = Object.hasOwn(history, name) ? history : History.prototype
  const original = owner[name]
  owner[name] = function (this: History, ...args: Parameters<History['pushState']>) {
    original.apply(this, args)
    for (const listener of listeners) listener(false)
  }
}
