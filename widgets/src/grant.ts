import {json} from './form'
import type {Granted} from './ports'

/** Asks the tenant's own site for a token. What it answers is checked by who wants it. */
export async function grant(address: string, signal: AbortSignal): Promise<Granted> {
  const url = new URL(address, document.baseURI).href
  return await json(url, {method: 'POST', credentials: 'same-origin', cache: 'no-store', headers: {Accept: 'application/json'}}, signal) as Granted
}
