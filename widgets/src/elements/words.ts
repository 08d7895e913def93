/** What is written beside the content: refusals, dates, names that the corpus has only as keys. */
import type {StileError, TransportError} from '../errors'
import {core} from '../page'
import type {Text} from '../types'

/** What went wrong, as the core says it. */
export type Fault = StileError | TransportError

/** Codes that are told as another one is: a visitor can do nothing different about them. */
const alike: Readonly<Record<string, string>> = {
  token_invalid: 'token_missing', token_revoked: 'token_expired', token_challenged_too_often: 'token_challenge_ignored',
  challenge_failed: 'challenge_required', no_callback: 'unreachable',
}

/** What to do, where it is not to get another token. */
const helps: Readonly<Record<string, string>> = {
  proof_invalid: isSecureContext ? 'clock' : 'site', client_mismatch: 'site', tenant_suspended: 'site', tenant_exhausted: 'site', address_blocked: 'site', csp: 'site',
  challenge_required: 'check', overloaded: 'retry', timeout: 'connection', unreachable: 'connection',
}

/** A fault in words: what happened, and what to do about it. */
export function explain(fault: Fault, text: Text): {what: string; then: string} {
  const refused = 'status' in fault ? fault : undefined
  const ours = refused?.code === 'bad_request' && !refused.status // the page is wrong, not the visitor
  const code = ours ? '' : alike[fault.code] ?? fault.code
  const what = text('error.' + code), wait = refused?.retry_after
  if (what === 'error.' + code) return {what: text('error.general'), then: text('then.retry')} // a code that nothing is said about
  if (typeof wait === 'number') return {what, then: text('then.wait', {when: later(wait)})}
  const then = refused?.renewable ? 'reload' : helps[code]
  return {what, then: then ? text('then.' + then) : ''}
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

/** A count; unlike a figure it is never a year. */
export function counted(n: number): string {
  return new Intl.NumberFormat(core.lang).format(n)
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
