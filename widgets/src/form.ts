import {TransportError} from './errors'
import {underPolicy} from './policy'
import type {Field, Granted} from './ports'
import {within} from './wait'

/** The page's fetch as it was when the layer came: what replaces it later sees no token. */
const {fetch} = globalThis

/** Milliseconds for one request. */
const limit = 8_000

/** Posts a form, which needs no preflight, and reads JSON. Rejects with a TransportError, or the signal's reason. */
export function form(url: string, fields: readonly Field[], signal?: AbortSignal): Promise<unknown> {
  const body = new URLSearchParams([...fields])
  return underPolicy(url, 'connect-src', post(url, {body, credentials: 'omit', redirect: 'error'}, signal))
}

/** Asks the tenant's own site for a token. What it answers is checked by who wants it. */
export async function grant(url: string, signal: AbortSignal): Promise<Granted> {
  return await post(url, {headers: {Accept: 'application/json'}}, signal) as Granted
}

/** An answer that is no JSON is somebody else's: a proxy's, or a network's log-in page. */
function post(url: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
  return within(limit, signal, async signal => {
    try {
      return await (await fetch(url, {__proto__: null, ...init, method: 'POST', signal} as RequestInit)).json()
    } catch (error) {
      throw new TransportError('unreachable', error)
    }
  })
}
