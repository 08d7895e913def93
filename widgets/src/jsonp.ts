import {TransportError} from './errors'
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
  const tag = document.createElement('script')
  const page = globalThis as unknown as Record<string, unknown>
  const end = () => {
    delete page[name]
    tag.remove()
  }
  signal.addEventListener('abort', end)
  return new Promise<unknown>((resolve, reject) => {
    page[name] = resolve
    tag.onload = () => reject(new TransportError('no_callback')) // too late if it called
    tag.onerror = () => reject(new TransportError('unreachable'))
    tag.crossOrigin = 'anonymous' // sends the page's origin, and no cookies
    tag.src = trusted.scriptURL(src)
    document.head.append(tag)
  }).finally(end)
}
