import {sleep} from './wait'

/**
 * Runs a request, and turns its error into 'csp' where the page's policy was
 * the reason: a browser tells the request itself nothing but that it failed,
 * and the document a little later.
 */
export async function underPolicy<T>(url: string, directive: string, run: () => Promise<T>, forbidden: () => unknown): Promise<T> {
  const {origin} = new URL(url)
  let seen = () => {}
  const violated = new Promise<boolean>(resolve => seen = () => resolve(true))
  const look = (e: SecurityPolicyViolationEvent) => {
    if (e.disposition === 'enforce' && e.effectiveDirective.startsWith(directive) && e.blockedURI.startsWith(origin)) seen()
  }
  document.addEventListener('securitypolicyviolation', look)
  try {
    return await run()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'unreachable' && await Promise.race([violated, sleep(60)])) throw forbidden()
    throw error
  } finally {
    document.removeEventListener('securitypolicyviolation', look)
  }
}
