/** What is written beside the content: refusals, dates, names that the corpus has only as keys. */
import type {StileError, TransportError} from '../errors'
import {core} from '../page'
import type {Text} from '../types'

/** What went wrong, as the core says it. */
export type Fault = StileError | TransportError

const session = 'then.reload', site = 'then.site', connection = 'then.connection'

/** For each code the texts of what happened and, where something helps, of what to do. */
const faults: Readonly<Record<string, readonly [what: string, then?: string]>> = {
  token_missing: ['token_missing', session],
  token_invalid: ['token_missing', session],
  token_expired: ['token_over', session],
  token_revoked: ['token_over', session],
  token_hijacked: ['token_hijacked', session],
  token_exhausted: ['token_exhausted', session],
  token_challenge_ignored: ['token_stopped', session],
  token_challenged_too_often: ['token_stopped', session],
  proof_invalid: ['proof_invalid', 'then.clock'],
  client_mismatch: ['client_mismatch', site],
  tenant_suspended: ['tenant_suspended', site],
  tenant_exhausted: ['tenant_exhausted', site],
  address_blocked: ['address_blocked', site],
  challenge_required: ['challenge', 'then.check'],
  challenge_failed: ['challenge', 'then.check'],
  overloaded: ['overloaded', 'then.retry'],
  bad_request: ['bad_request'],
  not_found: ['not_found'],
  timeout: ['timeout', connection],
  unreachable: ['unreachable', connection],
  no_callback: ['unreachable', connection],
  csp: ['csp', site],
}

/** A fault in words: what happened, and what to do about it. */
export function explain(fault: Fault, text: Text): {what: string; then: string} {
  const ours = 'status' in fault && !fault.status && fault.code === 'bad_request' // the page is wrong, not the visitor
  const [what, then] = !ours && faults[fault.code] || ['general', 'then.retry']
  const wait = 'retry_after' in fault && fault.retry_after
  return {
    what: text('error.' + what),
    then: typeof wait === 'number' ? text('then.wait', {when: later(wait)}) : then ? text(then) : '',
  }
}

/** "in 5 minutes", rounded up so that nobody comes too early. */
function later(seconds: number): string {
  const units = [['day', 86400], ['hour', 3600], ['minute', 60]] as const
  const [unit, length] = units.find(([, length]) => seconds > length) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(core.lang).format(Math.max(1, Math.ceil(seconds / length)), unit)
}

/** A text that depends on a number: `key.one` or `key.other`. The five languages need no more for numbers below a million. */
export function plural(text: Text, key: string, n: number): string {
  return text(`${key}.${new Intl.PluralRules(core.lang).select(n) === 'one' ? 'one' : 'other'}`, {n})
}

/** A day as the language writes it, "" for what is none. It is told in UTC, or an early hour would be the day before. */
export function day(date: string | null | undefined): string {
  const time = new Date(date ?? NaN)
  return isNaN(+time) ? '' : new Intl.DateTimeFormat(core.lang, {dateStyle: 'long', timeZone: 'UTC'}).format(time)
}

/** A number; groups begin at five digits, so that a year stays one. */
export function figure(n: number): string {
  return new Intl.NumberFormat(core.lang, {useGrouping: 'min2' as unknown as boolean, maximumFractionDigits: 6}).format(n)
}

/** A key as a name: "area_km2" is "Area km2". What has been written for people stays. */
export function named(key: string): string {
  if (!/^[a-z0-9]+([-_][a-z0-9]+)*$/.test(key)) return key
  return key[0]!.toUpperCase() + key.slice(1).replace(/[-_]/g, ' ')
}

/** The name of a collection, each word of it with a capital: "north-america" is "North America". */
export function collectionName(key: string): string {
  return key === named(key) ? key : named(key).replace(/ [a-z]/g, letter => letter.toUpperCase())
}
