import {TransportError} from './errors'
import {doc} from './doc'
import {detectingCSP} from './csp'
import type {Field} from './ports'
import {trusted} from './trusted'
import {withTimeout} from './wait'

/** The timeout of one script, in ms. */
const timeout = 10_000

/** Sends a request by a script tag. It removes the tag and the callback function at the end. */
export function jsonp(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const name = 'stile_' + crypto.getRandomValues(new BigUint64Array(2)).join('_')
  const query = new URLSearchParams([['callback', name], ...fields])
  return detectingCSP(url, 'script-src', withTimeout(timeout, signal, signal => script(`${url}?${query}`, name, signal)))
}

function script(src: string, name: string, signal: AbortSignal): Promise<unknown> {
  const tag = doc.createElement('script')
  const global = globalThis as unknown as Record<string, unknown>
  signal.addEventListener('abort', () => { // withTimeout() always aborts it at the end
    delete global[name]
    tag.remove()
  })
  return new Promise<unknown>((resolve, reject) => {
    global[name] = resolve
    // Has no effect if the callback was called.
    tag.onload = () => reject(new TransportError('no_callback'))
    tag.onerror = () => reject(new TransportError((performance.getEntriesByName(src)[0] as PerformanceResourceTiming | undefined)?.responseStatus === 404 ? 'no_callback' : 'unreachable'))
    tag.crossOrigin = 'anonymous' // sends the origin of the page, and no cookies
    tag.referrerPolicy = 'origin' // overrides the page's policy, also for its own origin
    tag.src = trusted.scriptURL(src)
    doc.head.append(tag)
  })
}
