/** Fake ports for tests without a browser: a fake clock, and a server that each test defines. */
import type {TokenResponse, Ports, Reply, Request} from '../src/ports'
import type {Challenge, Config, Problem, WorkChallenge} from '../src/types'
import {TransportError} from '../src/errors'
import {abortable} from '../src/wait'

/**
 * Returns a generator of pseudorandom numbers. The same seed gives the same numbers (mulberry32).
 */
export function seededRandom(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 4294967296
  }
}

/** A fake clock. Its time advances only in run(), from one sleeper to the next. */
export class Clock {
  now = 1_000_000
  #sleepers: {at: number; wake: () => void}[] = []

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const slept = new Promise<void>(wake => this.#sleepers.push({at: this.now + ms, wake}))
    return abortable(slept, signal)
  }

  /** Advances the time until nothing is left to do before end. */
  async run(end = Infinity): Promise<void> {
    for (;;) {
      await settled()
      this.#sleepers.sort((a, b) => a.at - b.at)
      const next = this.#sleepers[0]
      if (!next || next.at > end) break
      this.#sleepers.shift()
      this.now = Math.max(this.now, next.at)
      next.wake()
    }
    if (end !== Infinity) this.now = end
  }
}

/** Waits until everything has happened that does not need more time. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Returns a refusal, as the server sends it. */
export function problem(code: string, more: Partial<Problem> = {}): Problem {
  const renewable = code.startsWith('token_')
  return {type: '/problems/' + code, code, status: renewable ? 401 : 400, title: code, detail: '', ref: 'AAAA-AAAA', renewable, retry_after: null, challenge: null, ...more}
}

export const refused = (code: string, more?: Partial<Problem>): Reply => ({error: problem(code, more)})
export const answered = (data: unknown = 'data'): Reply => ({data, meta: {}})
export const required = (challenge: Challenge = work('w1')): Reply => refused('challenge_required', {status: 429, challenge})

export function work(id: string): WorkChallenge {
  return {id, kind: 'work', expires_in: 300, calls_left: 5, parameters: {algorithm: 'PBKDF2/SHA-256', nonce: '', salt: '', cost: 1, keyLength: 32, keyPrefix: ''}}
}

/** A request that was sent, with its fields by name. */
export interface Sent {
  readonly path: string
  readonly token: string
  readonly fields: Readonly<Record<string, string>>
  readonly proof: string | undefined
}

type Server = (sent: Sent, signal?: AbortSignal) => Reply | Promise<Reply>

/** Ports with working defaults. Each test replaces those that it is about. */
export class FakePorts implements Ports {
  readonly clock = new Clock()
  readonly config: Config = {clientId: 'acme', token: '', tokenUrl: '/token', api: 'https://api.example', transport: 'auto', tokenStore: 'session', lang: '', theme: 'auto'}
  readonly stored = new Map<string, string>()
  readonly events: CustomEvent[] = []
  readonly sent: Sent[] = []
  listener: (event: any) => void = () => {}
  server: Server = () => answered()
  tokenRequests = 0
  issue: (n: number, signal: AbortSignal) => TokenResponse | Promise<TokenResponse> = n => ({access_token: `t${n}`})
  solver: (challenge: WorkChallenge, signal: AbortSignal) => string | Promise<string> = () => '42'
  dialog: Ports['part'] | undefined
  readonly store = {get: (key: string) => this.stored.get(key) ?? null, set: (key: string, value: string) => this.stored.set(key, value)}
  readonly trusted = {scriptURL: (url: string) => url, html: (text: string) => text}
  prover: Ports['prover'] = {proof: async () => undefined}
  tabs: Ports['tabs'] = {join() {}, send() {}, inTurn: (_, get) => get()}
  random = () => 0.5
  readonly lang = () => 'en'
  readonly now = () => this.clock.now
  readonly sleep = (ms: number, signal?: AbortSignal) => this.clock.sleep(ms, signal)

  readonly send = async ({path, fields, prove}: Request, signal?: AbortSignal): Promise<Reply> => {
    const named = Object.fromEntries(fields)
    const sent = {path, fields: named, token: named['access_token']!, proof: await prove('POST', this.config.api + path)}
    this.sent.push(sent)
    return abortable(Promise.resolve().then(() => this.server(sent, signal)), signal)
  }

  readonly fetchToken = async (_url: string, signal: AbortSignal) => this.issue(++this.tokenRequests, signal)

  readonly raise = (event: Event): boolean => {
    this.events.push(event as CustomEvent)
    this.listener(event)
    return !event.defaultPrevented
  }

  readonly part: Ports['part'] = () => this.dialog?.() ?? Promise.resolve({
    work: async (challenge, {signal}) => this.solver(challenge, signal!),
    dialog: () => { throw new Error('no dialog here') },
  })

  /** The names of the events, without their prefix. */
  get eventNames(): string[] {
    return this.events.map(event => event.type.replace('stile:', ''))
  }

  /** The detail of the last event of a name. */
  last(name: string): any {
    return this.events.filter(event => event.type === `stile:${name}`).at(-1)?.detail
  }
}

/** Returns the result of a promise: its value, or the code or name of its error. */
export function outcome(promise: Promise<{data: unknown}>): Promise<unknown> {
  return promise.then(({data}) => data, error => error.name === 'AbortError' ? error.name : error.code ?? error)
}

export const unreachable = () => { throw new TransportError('unreachable') }
