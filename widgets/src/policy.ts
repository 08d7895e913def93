import {TransportError} from './errors'
import {doc} from './doc'
import {sleep} from './wait'

/**
 * Runs a request, and finds out where it failed because of the page's policy:
 * a browser tells the request nothing but that it failed, and the document a
 * little later.
 */
export async function underPolicy<T>(url: string, directive: string, request: Promise<T>): Promise<T> {
  const {origin} = new URL(url)
  let seen = (_: boolean) => {}
  const forbidden = new Promise<boolean>(resolve => seen = resolve)
  const look = (e: SecurityPolicyViolationEvent) => {
    if (e.disposition === 'enforce' && e.effectiveDirective.startsWith(directive) && e.blockedURI.startsWith(origin)) seen(true)
  }
  doc.addEventListener('securitypolicyviolation', look)
  try {
    return await request
  } catch (error) {
    if ((error as TransportError).code === 'unreachable' && await Promise.race([forbidden, sleep(60)])) throw new TransportError('csp')
    throw error
  } finally {
    doc.removeEventListener('securitypolicyviolation', look)
  }
}
