import type {ChallengeModule, Config, Problem, Trusted} from './types'

/** A response of the server: data, or a refusal. */
export type Reply = {readonly data: unknown; readonly meta: object} | {readonly error: Problem}

/** A parameter of a request. */
export type Field = [name: string, value: string]

/** Prover makes proofs that a request was made with the browser's key. */
export interface Prover {
  /** Returns the proof for one request at the time now (ms), or undefined if there is no key. */
  proof(method: string, url: string, token: string, now: number): Promise<string | undefined>
  /** The claims that each proof has in addition. */
  claims?: object | undefined
  /** Reports whether the key is lost with the page. */
  readonly temporary?: boolean
}

/** Tabs exchanges tokens with the other tabs of the page's origin. */
export interface Tabs {
  /**
   * Starts to receive the tokens of other tabs, and to send them ours on request. Further calls
   * have no effect.
   */
  join(session: {readonly current: string | undefined; receive(token: string): void}): void
  /** Sends a new token to the other tabs. */
  send(token: string): void
  /** Calls get when no other tab is getting a token, and they have had time to send theirs. */
  inTurn(signal: AbortSignal, get: () => Promise<void>): Promise<void>
}

/** A request before its transport is chosen. The proof depends on the method. */
export interface Request {
  readonly path: string
  readonly fields: readonly Field[]
  prove(method: string, url: string): Promise<string | undefined>
}

/** Send sends a request. It rejects with a TransportError, or the signal's reason. */
export type Send = (request: Request, signal?: AbortSignal) => Promise<Reply>

/** The exports of `proofs.mjs`, which is loaded on demand. It does not import the core. */
export interface ProofsModule {
  /** Adds session proofs to what the ports send. */
  wrap(ports: Pick<Ports, 'config' | 'send' | 'prover'>): void
}

/** The response of a tenant's token URL. */
export interface TokenResponse {
  readonly access_token: string
  readonly expires_in?: number
}

/** Ports are what the logic needs from the browser. Unit tests replace them. */
export interface Ports {
  readonly config: Readonly<Config>
  now(): number
  /** Rejects with the signal's reason when that aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Returns a number in [0, 1). */
  random(): number
  /** proofs.mjs replaces it. */
  send: Send
  /** Requests a token from the tenant's site. */
  fetchToken(url: string, signal: AbortSignal): Promise<TokenResponse>
  /** Dispatches an event. Returns false if a listener prevented the default. */
  raise(event: Event): boolean
  /** Storage that lasts as long as the tab. */
  readonly store: Store
  readonly prover: Prover
  readonly tabs: Tabs
  readonly trusted: Trusted
  /** The language in use. */
  lang(): string
  /** Loads the module that solves challenges. */
  part(): Promise<ChallengeModule>
}

/** Store keeps texts by key. */
export interface Store {
  get(key: string): string | null
  set(key: string, value: string): unknown
}
