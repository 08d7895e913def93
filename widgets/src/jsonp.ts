import {TransportError} from './errors'
import {underPolicy} from './policy'
import type {Field} from './ports'
import {trusted} from './trusted'
import {abortable, sleep} from './wait'

/** Milliseconds for one script. */
const limit = 10_000

/** Asks by a script tag. Neither the tag nor the name of its function is left behind. */
export function jsonp(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const name = 'stile_' + crypto.getRandomValues(new BigUint64Array(2)).join('_')
  const query = new URLSearchParams()
  for (const [key, value] of fields) query.append(key, value)
  query.append('callback', name)
  return underPolicy(url, 'script-src', () => script(`${url}?${query}`, name, signal), () => new TransportError('csp'))
}

async function script(src: string, name: string, signal?: AbortSignal): Promise<unknown> {
  const tag = document.createElement('script')
  const done = new AbortController()
  const page = globalThis as unknown as Record<string, unknown>
  const answer = new Promise<unknown>((resolve, reject) => {
    Object.defineProperty(page, name, {value: resolve, configurable: true, enumerable: false})
    tag.onload = () => reject(new TransportError('no_callback')) // too late if it called
    tag.onerror = () => reject(new TransportError('unreachable'))
    sleep(limit, done.signal).then(() => reject(new TransportError('timeout')), () => {})
  })
  tag.crossOrigin = 'anonymous' // sends the page's origin, and no cookies
  tag.async = true
  tag.src = trusted.scriptURL(src)
  document.head.append(tag)
  try {
    return await abortable(answer, signal)
  } finally {
    done.abort()
    tag.onload = tag.onerror = null
    tag.remove()
    delete page[name]
  }
}
