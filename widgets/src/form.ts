import {TransportError} from './errors'
import {detectingCSP} from './csp'
import type {Field, TokenResponse} from './ports'
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
  return detectingCSP(url, 'connect-src', post(url, {body, credentials: 'omit', redirect: 'error'}, signal))
}

/** Requests a token from the tenant's site. The caller validates the response. */
export async function fetchToken(url: string, signal: AbortSignal): Promise<TokenResponse> {
  return await post(url, {headers: {Accept: 'application/json'}}, signal) as TokenResponse
}

/**
 * Posts a request and returns the JSON of the response. A response that is not JSON is an error: it
 * comes from a proxy, or is a network's login page.
 */
function post(url: string, init: RequestInit, signal?: AbortSignal): Promise<unknown> {
  return withTimeout(timeout, signal, async signal => {
    try {
      return await (await fetch(url, {__proto__: null, ...init, method: 'POST', signal} as RequestInit)).json()
    } catch (error) {
      throw new TransportError('unreachable', error)
    }
  })
}
