/** Texts for errors, dates, numbers, and names that the corpus only has as keys. */
import type {StileError, TransportError} from '../errors'
import type {Text} from '../types'

/** An error of a call, as the core throws it. */
export type CallError = StileError | TransportError

/** Codes that have the text of another code, because the same advice applies. */
const sameText: Readonly<Record<string, string>> = {
  token_invalid: 'token_missing', token_revoked: 'token_expired', token_challenged_too_often: 'token_challenge_ignored',
  challenge_failed: 'challenge_required', no_callback: 'unreachable',
}

/** The advice for codes that a new token does not resolve. */
const advice: Readonly<Record<string, string>> = {
  proof_invalid: isSecureContext ? 'clock' : 'site', client_mismatch: 'site', tenant_suspended: 'site', tenant_exhausted: 'site', address_blocked: 'site', csp: 'site',
  challenge_required: 'check', overloaded: 'retry', timeout: 'connection', unreachable: 'connection',
}

/** Describes an error: what happened, and what the visitor can do. */
export function describe(error: CallError, text: Text): {what: string; then: string} {
  const refused = 'status' in error ? error : undefined
  const isByPage = refused?.code === 'bad_request' && !refused.status // not caused by the visitor
  const code = isByPage ? '' : sameText[error.code] ?? error.code
  const what = text('error.' + code), wait = refused?.retry_after
  // A code without a text of its own has the general one.
  if (what === 'error.' + code) return {what: text('error.general'), then: text('then.retry')}
  if (typeof wait === 'number') return {what, then: text('then.wait', {when: relativeTime(wait, text.lang)})}
  const then = refused?.renewable ? 'reload' : advice[code]
  return {what, then: then ? text('then.' + then) : ''}
}

/** Returns a text such as "in 5 minutes". It is rounded up, so that a retry is not too early. */
function relativeTime(seconds: number, lang: string): string {
  const units = [['day', 86400], ['hour', 3600], ['minute', 60]] as const
  const [unit, length] = units.find(([, length]) => seconds > length) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(lang).format(Math.max(1, Math.ceil(seconds / length)), unit)
}

/**
 * Returns the text `key.one` or `key.other`, depending on a number. The five languages need no
 * other forms for numbers below a million.
 */
export function plural(text: Text, key: string, n: number): string {
  return text(`${key}.${new Intl.PluralRules(text.lang).select(n) === 'one' ? 'one' : 'other'}`, {n})
}

/**
 * Formats a date for the language. Returns "" if it is not a valid date. The date is in UTC, so
 * that it is the same in all time zones.
 */
export function formatDate(date: string | null | undefined, lang: string): string {
  const time = new Date(date ?? NaN)
  return isNaN(+time) ? '' : new Intl.DateTimeFormat(lang, {dateStyle: 'long', timeZone: 'UTC'}).format(time)
}

/** Formats a number. Digits are grouped from five digits, so that years are not. */
export function formatNumber(n: number, lang: string): string {
  return new Intl.NumberFormat(lang, {useGrouping: 'min2' as unknown as boolean, maximumFractionDigits: 6}).format(n)
}

/** Formats a count. Unlike other numbers, it can't be a year. */
export function formatCount(n: number, lang: string): string {
  return new Intl.NumberFormat(lang).format(n)
}

/** Returns the name for a key: "area_km2" is "Area km2". Other texts are returned unchanged. */
export function keyName(key: string): string {
  if (!/^[a-z0-9]+([-_][a-z0-9]+)*$/.test(key)) return key
  return key[0]!.toUpperCase() + key.slice(1).replace(/[-_]/g, ' ')
}

/** Returns the name of a collection, in title case: "north-america" is "North America". */
export function collectionName(key: string): string {
  return key === keyName(key) ? key : keyName(key).replace(/ [a-z]/g, letter => letter.toUpperCase())
}
