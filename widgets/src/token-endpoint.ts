/** The tenant's token URL. */
import {doc} from './doc'
import {endpointProblem, StileError} from './errors'
import {post} from './form'
import {own} from './own'
import type {TokenResponse} from './ports'

/**
 * Requests a token from the tenant's site. Rejects with a StileError if the response has no token,
 * and with a TransportError if there is no response.
 */
export function fetchToken(url: string, signal: AbortSignal): Promise<TokenResponse> {
  return post(new URL(url, doc.baseURI).href, {headers: {Accept: 'application/json'}}, signal, read)
}

/**
 * Returns the token response, or throws what there is instead: its status, its type, the URL, which
 * is another after a redirect, and what the publisher's server said, if that is passed on.
 */
async function read(response: Response): Promise<TokenResponse> {
  const {ok, status, url, headers} = response
  const body = own(await response.json().catch(() => null) as TokenResponse & {error_description?: unknown} | null)
  if (ok && body.access_token) return body
  const detail = ['HTTP', status, headers.get('content-type'), url, body.error_description].join(' ')
  throw new StileError(endpointProblem(detail, status, /suspended/.test(detail) ? 'tenant_suspended' : undefined))
}
