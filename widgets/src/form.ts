import {StileError, TransportError} from './errors'
import {detectingCSP} from './csp'
import type {Field} from './ports'
import {withTimeout} from './wait'

/** The page's fetch when the layer was loaded. A later replacement does not see tokens. */
const {fetch} = globalThis

/** The timeout of one request, in ms. */
const timeout = 8_000

/**
 * Posts a form, which does not need a preflight request, and returns the JSON of the response.
 * Rejects with a TransportError, or the signal's reason.
 */
export function form(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const body = new URLSearchParams([...fields])
  return post(url, {body, credentials: 'omit', redirect: 'error'}, signal)
}

/**
 * Posts a request and returns what read makes of the response, by default its JSON. A response that
 * is not JSON is an error: it comes from a proxy, or is a network's login page.
 */
export function post<T>(url: string, init: RequestInit, signal?: AbortSignal, read: (response: Response) => Promise<T> = response => response.json()): Promise<T> {
  return detectingCSP(url, 'connect-src', withTimeout(timeout, signal, async signal => {
    try {
      return await read(await fetch(url, {__proto__: null, ...init, method: 'POST', signal} as RequestInit))
    } catch (error) {
      throw error instanceof StileError ? error : new TransportError('unreachable', error)
    }
  }))
}
