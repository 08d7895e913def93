import {TransportError} from './errors'
import {doc} from './doc'
import {underPolicy} from './policy'
import type {Field} from './ports'
import {trusted} from './trusted'
import {within} from './wait'

/** Milliseconds for one script. */
const limit = 10_000

/** Asks by a script tag. Neither the tag nor the name of its function is left behind. */
export function jsonp(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const name = 'stile_' + crypto.getRandomValues(new BigUint64Array(2)).join('_')
  const query = new URLSearchParams([['callback', name], ...fields])
  return underPolicy(url, 'script-src', within(limit, signal, signal => script(`${url}?${query}`, name, signal)))
}

function script(src: string, name: string, signal: AbortSignal): Promise<unknown> {
  const tag = doc.createElement('script')
  const global = globalThis as unknown as Record<string, unknown>
  signal.addEventListener('abort', () => { // which within() sees to, however it ends
    delete global[name]
    tag.remove()
  })
  return new Promise<unknown>((resolve, reject) => {
    global[name] = resolve
    tag.onload = () => reject(new TransportError('no_callback')) // too late if it called
    tag.onerror = () => reject(new TransportError((performance.getEntriesByName(src)[0] as PerformanceResourceTiming | undefined)?.responseStatus === 404 ? 'no_callback' : 'unreachable'))
    tag.crossOrigin = 'anonymous' // sends the page's origin, and no cookies
    tag.referrerPolicy = 'origin' // sends it to the page's own origin too, whatever the page's policy
    tag.src = trusted.scriptURL(src)
    doc.head.append(tag)
  })
}
