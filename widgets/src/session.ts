import {refusal, StileError, TransportError} from './errors'
import {TokenFailedEvent, TokenInvalidEvent, TokenRenewedEvent, type GivenToken} from './events'
import {own} from './own'
import type {Ports} from './ports'
import type {Problem} from './types'
import {abortable} from './wait'

/** So many renewals with no good call between them, and no more. */
const most = 3

/** Then it rests, the n-th time for so many ms, and tries once more after each rest. */
const rest = (n: number) => 1000 * Math.min(30 * 2 ** n, 600)

/** Renewals as long ago as that (ms) no longer count: the tab was left alone. */
const longAgo = 1_200_000

/** Where nobody gives tokens, calls of so many milliseconds are one question to the page. */
const silence = 5_000

/** A visitor who has waited that long is not made to wait again. */
const isTimeout = (error: unknown) => error instanceof TransportError && error.code === 'timeout'

/** Nobody on the page gives tokens; quiet if the page said that this is its own affair. */
class Unanswered {
  constructor(readonly quiet: boolean) {}
}

/**
 * The page's token. Whoever needs one waits here; there is one renewal at a
 * time, for all. A refusal counts only against the token that it was about.
 */
export class Session {
  readonly #ports: Ports
  #token: string | undefined
  /** Tokens that were refused. Another tab may not know yet. */
  readonly #dead = new Set<string>()
  #why: Problem = refusal('token_missing', 'The page has no token', true)
  #loaded = false
  #left = most
  #asked = 0
  #attempt = 0
  #rested = 0
  #renewal: Promise<void> | undefined
  #stop = new AbortController()
  #over: {readonly error: StileError; readonly until: number} | undefined
  readonly #changed: () => void

  /** changed is called whenever there is another token, or none. */
  constructor(ports: Ports, changed: () => void) {
    this.#ports = ports
    this.#changed = changed
  }

  /** The token, if there is one now. */
  get current(): string | undefined {
    if (!this.#loaded) this.#load()
    return this.#token
  }

  /** The token. Waits while one is got; rejects with a StileError where none can be had. */
  async token(signal?: AbortSignal): Promise<string> {
    this.#ports.tabs.join(this)
    for (;;) {
      const token = this.current
      if (token) return token
      if (this.#over && this.#ports.now() < this.#over.until) throw this.#over.error
      await abortable(this.#renewing(), signal)
    }
  }

  /** A token of the page's own accord. It settles a renewal, and ends a rest. */
  set(token: string): void {
    this.#left = most
    this.#rested = 0
    this.#settle(token)
    this.#ports.tabs.tell(token)
  }

  /** A token of another tab's. It does where there is none; but it is no good call, or two tabs would renew for ever. */
  heard(token: string): void {
    if (!this.current && !this.#dead.has(token)) this.#settle(token)
  }

  /** Something has changed that may give a token: a rest ends. */
  again(): void {
    if (!this.#over) return
    this.#over = undefined
    this.#left ||= 1
    this.#renewing().catch(() => {})
  }

  /** A call with this token was answered. */
  good(token: string): void {
    if (token !== this.#token) return
    this.#left = most
    this.#attempt = this.#rested = 0
  }

  /** A call with this token was refused, and a fresh token mends it. A refusal of an older one says nothing. */
  refused(token: string, why: Problem): void {
    if (token !== this.#token) return
    this.#why = why
    this.#dead.add(token)
    this.#take('')
  }

  #settle(token: string): void {
    const awaited = this.#renewal || this.#over
    this.#stop.abort()
    this.#over = undefined
    this.#loaded = true
    this.#take(token)
    if (awaited) this.#ports.raise(new TokenRenewedEvent(this.#why.code, this.#attempt, null))
  }

  #renewing(): Promise<void> {
    return this.#renewal ??= this.#renew().finally(() => this.#renewal = undefined)
  }

  async #renew(): Promise<void> {
    this.#stop.abort()
    const {signal} = this.#stop = new AbortController()
    await null // until this is known to be the renewal: a listener may call set()
    this.#over = undefined
    try {
      await this.#ports.tabs.turn(signal, () => this.#attempts(signal))
    } catch (error) {
      if (signal.aborted) return
      const over = error instanceof Unanswered ? this.#unanswered(error.quiet) : this.#fail(error, signal)
      if (over) throw over
    }
  }

  /** Tries as often as is left. Throws why the last one failed. */
  async #attempts(signal: AbortSignal): Promise<void> {
    let failed: unknown = new StileError(this.#why)
    if (this.#ports.now() - this.#asked > longAgo) this.#left = most
    while (this.#left-- > 0) {
      this.#attempt++
      this.#asked = this.#ports.now()
      signal.throwIfAborted()
      try {
        return this.#accept(await abortable(this.#ask(signal), signal))
      } catch (error) {
        failed = error
      }
      if (!this.#left || failed instanceof Unanswered || isTimeout(failed)) break
      await this.#ports.sleep(1000 * (most - this.#left) * (0.5 + this.#ports.random() / 2), signal)
    }
    this.#left = Math.max(this.#left, 0)
    throw failed
  }

  /** Asks the page, then its token address. */
  async #ask(signal: AbortSignal): Promise<GivenToken> {
    const {code, title, detail} = this.#why
    const event = new TokenInvalidEvent({code, title, detail, attempt: this.#attempt, signal})
    const untouched = this.#ports.raise(event)
    signal.throwIfAborted()
    if (event.answer) return event.answer
    const {tokenUrl} = this.#ports.config
    if (untouched && tokenUrl) return this.#ports.grant(tokenUrl, signal)
    throw new Unanswered(!untouched)
  }

  #accept(given: GivenToken): void {
    const {access_token: token, expires_in = null} = own(typeof given === 'string' ? {access_token: given} : given)
    if (typeof token !== 'string' || !token || this.#dead.has(token)) throw new TypeError('no new access_token')
    this.#take(token)
    this.#ports.tabs.tell(token)
    this.#ports.raise(new TokenRenewedEvent(this.#why.code, this.#attempt, expires_in))
  }

  /** Nothing failed, so nothing is counted; the next call after a while asks the page again. */
  #unanswered(quiet: boolean): StileError {
    this.#left++
    this.#attempt--
    return this.#end(new StileError(this.#why, quiet), this.#ports.now() + silence)
  }

  /** Rests, unless a listener brought a token just now. */
  #fail(why: unknown, signal: AbortSignal): StileError | undefined {
    const pause = rest(this.#rested++)
    const until = this.#ports.now() + pause
    const untouched = this.#ports.raise(new TokenFailedEvent(this.#why.code, why, until))
    if (signal.aborted) return undefined
    this.#left = 1
    this.#ports.sleep(pause, signal).then(() => this.#renewing()).catch(() => {})
    return this.#end(new StileError(this.#why, !untouched), until)
  }

  #end(error: StileError, until: number): StileError {
    this.#over = {error, until}
    return error
  }

  // What a tab remembers is the token that the page came with, and the one in
  // use. A page out of a cache comes with the same token again: then the one
  // in use is its successor. Another token of the page's is news.

  #load(): void {
    this.#loaded = true
    const given = this.#ports.config.token
    const [before, inUse] = (this.#ports.store.get(this.#key) ?? '').split('\n')
    this.#token = (inUse !== undefined && (!given || given === before) ? inUse : given) || undefined
  }

  #take(token: string): void {
    this.#token = token || undefined
    this.#ports.store.set(this.#key, `${this.#ports.config.token}\n${token}`)
    this.#changed()
  }

  get #key(): string {
    return `stile:token:${this.#ports.config.api}:${this.#ports.config.clientId}`
  }
}
