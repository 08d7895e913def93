/** What the layer tells the page's developer. The texts are in dev.mjs, which few pages load. */
import {config} from './config'
import type {StileError, TransportError} from './errors'
import {script} from './script'
import type {DeveloperModule, Mistake} from './types'

/** Calls a function with dev.mjs. If that can't be loaded, nothing happens. */
export function withDeveloperModule(use: (dev: DeveloperModule) => void): Promise<void> {
  return script.load<DeveloperModule>('dev.mjs').then(use, () => {})
}

/**
 * Reports mistakes of the page's author on the console, once each. It must never be called for what
 * a visitor, the network or the server causes.
 */
export function reportMistake(find: (dev: DeveloperModule) => readonly Mistake[]): void {
  void withDeveloperModule(dev => dev.report(find(dev), config))
}

/** Reports a mistake with a text of its own. */
export function warn(text: string): void {
  reportMistake(() => [[text]])
}

/**
 * Codes that the page's author may have caused: token_endpoint, token_missing, client_mismatch,
 * bad_request, csp, proof_invalid.
 */
const byAuthor = /^(token_(en|mi)|client|bad|csp|proof)/

/** Reports the error of a call if the page's author may have caused it. */
export function reportError(error: StileError | TransportError): void {
  if (byAuthor.test(error.code)) reportMistake(dev => dev.refused(error, config))
}
