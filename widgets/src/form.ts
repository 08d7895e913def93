import {TransportError} from './errors'
import {underPolicy} from './policy'
import type {Field} from './ports'
import {abortable} from './wait'

/** The page's fetch as it was when the layer came: what replaces it later sees no token. */
const {fetch} = globalThis

/** Milliseconds for one request. */
const limit = 8_000

/** Posts a form, which needs no preflight, and reads JSON. Rejects with a TransportError, or the signal's reason. */
export function form(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const body = new URLSearchParams()
  for (const [name, value] of fields) body.append(name, value)
  const init: RequestInit = {method: 'POST', body, mode: 'cors', credentials: 'omit', cache: 'no-store', redirect: 'error'}
  return underPolicy(url, 'connect-src', () => json(url, init, signal), () => new TransportError('csp'))
}

/** Fetches JSON, whatever its status is. */
export async function json(url: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(new TransportError('timeout')), limit)
  const abort = () => stop.abort(signal!.reason)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return await abortable(read(url, {...init, signal: stop.signal}), stop.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** An answer that is no JSON is somebody else's: a proxy's, or a network's log-in page. */
async function read(url: string, init: RequestInit): Promise<unknown> {
  try {
    return await (await fetch(url, init)).json()
  } catch (error) {
    throw new TransportError('unreachable', error)
  }
}
