/**
 * dev.mjs: the messages for the page's developer. It is loaded when the page has a mistake, or
 * data-debug. It imports nothing of the core.
 */
import type {Config, DeveloperModule, Mistake} from '../types'
import {meant} from './distance'

const events = 'token-invalid token-renewed token-failed challenge challenge-solved blocked error load select ready'.split(' ')

const reported = new Set<string>()

/** Logs mistakes that have not been logged yet. */
function report(found: readonly Mistake[], {api}: Readonly<Config>): void {
  for (const [text, code = 'bad_request', key = text] of found) {
    if (reported.has(key)) continue
    reported.add(key)
    console.error(`[stile] ${text.replace(/\.$/, '')}, see ${api}/problems/${code}`)
  }
}

const dashed = (name: string) => name.replace(/[A-Z]/g, letter => '-' + letter.toLowerCase())

const hint = (name: string, known: readonly string[]) => {
  const one = meant(name, known)
  return one ? `: did you mean "${one}"?` : `: must be one of ${known.join(', ')}`
}

/** Reports unknown settings and values. isTag: they are from the script's tag. */
function settings(given: Readonly<Record<string, unknown>>, config: Readonly<Config>, fixed: Readonly<Record<string, readonly string[]>>, isTag: boolean): Mistake[] {
  const known = [...Object.keys(config), 'debug'].map(key => isTag ? 'data-' + dashed(key) : key)
  return Object.entries(given).flatMap(([key, value]): Mistake[] => {
    const name = isTag ? 'data-' + dashed(key) : key
    // The tag may have attributes of other scripts.
    if (!known.includes(name)) return !isTag || meant(name, known) ? [[`unknown setting ${name}${hint(name, known)}`]] : []
    const allowed = fixed[key]
    return allowed && value != null && !allowed.includes(String(value)) ? [[`${name}="${String(value)}"${hint(String(value), allowed)}`]] : []
  })
}

/** Reports that no client_id was set in time. */
function missing(): Mistake[] {
  return [['data-client-id is missing on the script, and Stile.configure({clientId}) was not called']]
}

/** Reports the error of a call, unless the visitor, the network or the server may be the cause. */
function refused({code, detail = '', status, quiet}: Parameters<DeveloperModule['refused']>[0], {api, tokenUrl, transport}: Readonly<Config>): Mistake[] {
  if (quiet) return []
  switch (code) {
    // Scripts from api are the second choice, which would allow JSONP to injected markup.
    case 'csp': return [["the page's content security policy forbids the calls: " + (transport === 'jsonp' ? `script-src must allow ${api}/v1/` : `connect-src must allow ${api}`), code]]
    case 'token_endpoint': return endpoint(detail, status ?? 0, new URL(tokenUrl, document.baseURI))
    case 'token_missing': return tokenUrl ? [] : [['no data-token-url is set, and no listener responds to stile:token-invalid', code]]
    case 'bad_request': return !status ? missing() : /^(q|cursor)\b/.test(detail) ? [] : [[`the server refused a call: ${detail}`, code]]
    case 'proof_invalid': return isSecureContext ? [] : [[`the page needs https: ${detail}`, code]]
    default: return [[`the server refused a call: ${detail}`, code]]
  }
}

/** Reports why there is no token. Without a status, the network may be down. */
function endpoint(detail: string, status: number, {origin, href}: URL): Mistake[] {
  const page = href.split('?')[0]!
  const mistake = (text: string): Mistake[] => [[`${text} (${page}: ${detail.replace(href, '').replace(/\s+/g, ' ').trim()})`, 'token_endpoint']]
  if (detail === 'no new token') return mistake('the token URL returned a token that the server refuses, or one that it returned before: it must return a new one for each request')
  if (status) return mistake('the token URL returned no new token: it must return {"access_token": "…"} as JSON, a new one for each request')
  if (detail === 'csp') return mistake("the page's content security policy must allow the token URL in connect-src")
  if (detail === 'unreachable') return origin !== location.origin && navigator.onLine ? mistake('the token URL is on another origin, which must allow this one by CORS') : []
  return detail === 'timeout' ? [] : mistake('a listener of stile:token-invalid gave no token')
}

/** Reports a resource that the page's policy forbids. The files of the widgets are one mistake. */
function forbidden(directive: string, url: string): Mistake[] {
  return [[`the page's content security policy must allow ${url.replace(/(\/widgets\/).*/, '$1')} in ${directive.replace(/-(elem|attr)$/, '')}`, 'csp']]
}

function value(element: string, attribute: string, given: string, allowed: readonly string[]): Mistake[] {
  return [[`<${element} ${attribute}="${given}">${hint(given, allowed)}`]]
}

function range(element: string, attribute: string, given: string, min: number, max: number): Mistake[] {
  return [[`<${element} ${attribute}="${given}">: must be a number from ${min} to ${max}`]]
}

function target(id: string): Mistake[] {
  return [[`<stile-search for="${id}">: there is no <stile-results id="${id}">`]]
}

/** Logs all events of the layer. Details never contain tokens. */
function debug(): void {
  for (const name of events)
    document.addEventListener('stile:' + name, event => {
      // Reading the item of a selection would count as handling it.
      if (name === 'select') return console.debug('[stile]', event.type, event.target)
      const {respondWith, signal, Stile, ...detail} = (event as CustomEvent<Record<string, unknown>>).detail
      console.debug('[stile]', event.type, detail, event.target)
    }, true)
}

export {debug, forbidden, range, refused, report, settings, target, value}
