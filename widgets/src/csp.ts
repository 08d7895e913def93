import {TransportError} from './errors'
import {doc} from './doc'
import {sleep} from './wait'

/**
 * Waits for a request, and detects whether it failed because of the page's content security policy.
 * The browser only tells the request that it failed. It reports the violation to the document a
 * little later.
 */
export async function detectingCSP<T>(url: string, directive: string, request: Promise<T>): Promise<T> {
  const {origin} = new URL(url)
  let report = (_: boolean) => {}
  const violation = new Promise<boolean>(resolve => report = resolve)
  const listener = (e: SecurityPolicyViolationEvent) => {
    if (e.disposition === 'enforce' && e.effectiveDirective.startsWith(directive) && e.blockedURI.startsWith(origin)) report(true)
  }
  doc.addEventListener('securitypolicyviolation', listener)
  try {
    return await request
  } catch (error) {
    if ((error as TransportError).code === 'unreachable' && await Promise.race([violation, sleep(60)])) throw new TransportError('csp', directive)
    throw error
  } finally {
    doc.removeEventListener('securitypolicyviolation', listener)
  }
}
