import {endpointProblem, refusal, StileError, TransportError} from './errors'
import {TokenFailedEvent, TokenInvalidEvent, TokenRenewedEvent, type GivenToken} from './events'
import {own} from './own'
import type {Ports} from './ports'
import type {Problem} from './types'
import {abortable} from './wait'

/** The maximum number of renewals without an admitted call between them. */
const maxRenewals = 3

/** The n-th pause in ms after the maximum. After each pause there is one more renewal. */
const pauseAfter = (n: number) => 1000 * Math.min(30 * 2 ** n, 600)

/** The time in ms after which earlier renewals no longer count, because the tab was idle. */
const idleTime = 1_200_000

/**
 * The time in ms until a page that gave no token is asked again, and until something other than a
 * new setting can end a pause.
 */
const unansweredTime = 5_000

/** After a timeout there is no further attempt: the visitor has waited long enough. */
const isTimeout = (error: unknown) => error instanceof TransportError && error.code === 'timeout'

/** Neither a listener nor a token URL gave a token. quiet: a listener prevented the default. */
class Unanswered {
  declare readonly quiet: boolean

  constructor(quiet: boolean) {
    this.quiet = quiet
  }
}

/** A renewal that failed. Until that time (ms), calls fail with the error. */
interface Failure {
  readonly error: StileError
  readonly until: number
  /** Reports that there is an attempt at that time. */
  readonly retries: boolean
}

/**
 * Session manages the page's token. All calls wait for the same renewal. A refusal has an effect
 * only if it is about the current token.
 */
export class Session {
  readonly #ports: Ports
  #token: string | undefined
  /** Tokens that were refused. Another tab may still send them. */
  readonly #dead = new Set<string>()
  #why: Problem = refusal('token_missing', 'The page has no token', true)
  #loaded = false
  #left = maxRenewals
  #lastAttemptAt = 0
  #attempt = 0
  #pauses = 0
  #renewal: Promise<void> | undefined
  #stop = new AbortController()
  #failure: Failure | undefined
  readonly #changed: () => void

  /** changed is called whenever the token changes, or is removed. */
  constructor(ports: Ports, changed: () => void) {
    this.#ports = ports
    this.#changed = changed
  }

  /** The current token, if there is one. */
  get current(): string | undefined {
    if (!this.#loaded) this.#load()
    return this.#token
  }

  /** Returns the token. Waits for a renewal, and rejects with a StileError if it fails. */
  async token(signal?: AbortSignal): Promise<string> {
    this.#ports.tabs.join(this)
    for (;;) {
      const token = this.current
      if (token) return token
      if (this.#failure && this.#ports.now() < this.#failure.until) throw this.#failed(this.#failure)
      await abortable(this.#renewing(), signal)
    }
  }

  /** Sets a token that the page supplied. It completes a renewal, and ends a pause. */
  set(token: string): void {
    this.#left = maxRenewals
    this.#pauses = 0
    this.#settle(token)
    this.#ports.tabs.send(token)
  }

  /**
   * Receives a token of another tab, and uses it if there is none. The count of renewals is not
   * reset, otherwise two tabs could renew forever.
   */
  receive(token: string): void {
    if (!this.current && !this.#dead.has(token)) this.#settle(token)
  }

  /**
   * Ends a pause, because something has changed that may help to get a token. isForced: also if the
   * last attempt was just now, because the settings have changed.
   */
  retry(isForced: boolean): void {
    if (!this.#failure || !isForced && this.#ports.now() - this.#lastAttemptAt < unansweredTime) return
    this.#failure = undefined
    this.#left ||= 1
    if (!isForced && this.#pauses) this.#pauses-- // a visitor's attempts don't lengthen the pauses
    this.#renewing().catch(() => {})
  }

  /** Records that a call with this token was admitted. */
  succeeded(token: string): void {
    if (token !== this.#token) return
    this.#left = maxRenewals
    this.#attempt = this.#pauses = 0
  }

  /** Records that a call with this token was refused, and that a new token is needed. */
  refused(token: string, why: Problem): void {
    if (token !== this.#token) return
    this.#why = why
    this.#dead.add(token)
    this.#store('')
  }

  #settle(token: string): void {
    const wasAwaited = this.#renewal || this.#failure
    this.#stop.abort()
    this.#failure = undefined
    this.#loaded = true
    this.#store(token)
    if (wasAwaited) this.#ports.raise(new TokenRenewedEvent(this.#why.code, this.#attempt, null))
  }

  #renewing(): Promise<void> {
    return this.#renewal ??= this.#renew().finally(() => this.#renewal = undefined)
  }

  async #renew(): Promise<void> {
    this.#stop.abort()
    const {signal} = this.#stop = new AbortController()
    await null // so that #renewal is set first: a listener may call set()
    this.#failure = undefined
    try {
      await this.#ports.tabs.inTurn(signal, () => this.#attempts(signal))
    } catch (error) {
      if (signal.aborted) return
      this.#failure = error instanceof Unanswered ? this.#unanswered(error.quiet) : this.#fail(error, signal)
      if (this.#failure) throw this.#failed(this.#failure)
    }
  }

  /** Attempts to get a token, as often as is left. Throws the error of the last attempt. */
  async #attempts(signal: AbortSignal): Promise<void> {
    let lastError: unknown = new StileError(this.#why)
    if (this.#ports.now() - this.#lastAttemptAt > idleTime) this.#left = maxRenewals
    while (this.#left-- > 0) {
      this.#attempt++
      this.#lastAttemptAt = this.#ports.now()
      signal.throwIfAborted()
      try {
        return this.#accept(await abortable(this.#request(signal), signal))
      } catch (error) {
        lastError = error
      }
      if (!this.#left || lastError instanceof Unanswered || isTimeout(lastError)) break
      await this.#ports.sleep(1000 * (maxRenewals - this.#left) * (0.5 + this.#ports.random() / 2), signal)
    }
    this.#left = Math.max(this.#left, 0)
    throw lastError
  }

  /** Requests a token from the page's listeners, then from its token URL. */
  async #request(signal: AbortSignal): Promise<GivenToken> {
    const {code, title, detail} = this.#why
    const event = new TokenInvalidEvent({code, title, detail, attempt: this.#attempt, signal})
    const byDefault = this.#ports.raise(event)
    signal.throwIfAborted()
    if (event.answer) return event.answer
    const {tokenUrl} = this.#ports.config
    if (byDefault && tokenUrl) return this.#ports.fetchToken(tokenUrl, signal)
    throw new Unanswered(!byDefault)
  }

  #accept(given: GivenToken): void {
    const {access_token: token, expires_in = null} = own(typeof given === 'string' ? {access_token: given} : given)
    if (typeof token !== 'string' || !token || this.#dead.has(token)) throw new StileError(endpointProblem('no new token', 200))
    this.#store(token)
    this.#ports.tabs.send(token)
    this.#ports.raise(new TokenRenewedEvent(this.#why.code, this.#attempt, expires_in))
  }

  /** Does not count the attempt, because nothing failed. A later call requests a token again. */
  #unanswered(quiet: boolean): Failure {
    this.#left++
    this.#attempt--
    return {error: new StileError(this.#why, quiet), until: this.#ports.now() + unansweredTime, retries: false}
  }

  /** Pauses, unless a listener has just set a token. */
  #fail(why: unknown, signal: AbortSignal): Failure | undefined {
    const pause = pauseAfter(this.#pauses++)
    const until = this.#ports.now() + pause
    const isNetwork = why instanceof TransportError
    const error = why instanceof StileError ? why : new StileError(endpointProblem(isNetwork ? why.message : String(why)))
    const byDefault = this.#ports.raise(new TokenFailedEvent(this.#why.code, isNetwork ? error : why, until))
    if (signal.aborted) return undefined
    this.#left = 1
    this.#ports.sleep(pause, signal).then(() => this.#renewing()).catch(() => {})
    return {error: new StileError(error, !byDefault), until, retries: true}
  }

  /** Returns the error of a call during a pause. It states the seconds until the next attempt. */
  #failed({error, until, retries}: Failure): StileError {
    return retries ? new StileError({...error, retry_after: Math.ceil((until - this.#ports.now()) / 1000)}, error.quiet) : error
  }

  // A tab stores two tokens: the one that the page contained, and the one in use. A cached page
  // contains the same token again, so the tab continues with the one in use. If the page contains a
  // different token, the tab uses that one.

  #load(): void {
    this.#loaded = true
    const given = this.#ports.config.token
    const [previous, inUse] = (this.#ports.store.get(this.#key) ?? '').split('\n')
    this.#token = (inUse !== undefined && (!given || given === previous) ? inUse : given) || undefined
  }

  #store(token: string): void {
    this.#token = token || undefined
    this.#ports.store.set(this.#key, `${this.#ports.config.token}\n${token}`)
    this.#changed()
  }

  get #key(): string {
    return `stile:token:${this.#ports.config.api}:${this.#ports.config.clientId}`
  }
}
