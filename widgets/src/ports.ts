import type {ChallengePart, Config, Problem, Trusted} from './types'

/** What the server answers: data, or a refusal. */
export type Reply = {readonly data: unknown; readonly meta: object} | {readonly error: Problem}

/** A parameter of a request. */
export type Field = [name: string, value: string]

/** Shows that a request is made by the token's own browser. */
export interface Prover {
  /** The proof for one request at the time now (ms), or undefined where there is no key. */
  proof(method: string, url: string, token: string, now: number): Promise<string | undefined>
}

/** The other tabs of the page's origin. */
export interface Tabs {
  /** Begins to hear of their tokens, and to answer when they ask for ours. The second time does nothing. */
  join(own: {readonly current: string | undefined; heard(token: string): void}): void
  /** Tells them of a new token. */
  tell(token: string): void
  /** Gets a token, when none of them is getting one and they have had time to tell of theirs. */
  turn(signal: AbortSignal, get: () => Promise<void>): Promise<void>
}

/** One request, before its transport is chosen: the proof names the method. */
export interface Request {
  readonly path: string
  readonly fields: readonly Field[]
  prove(method: string, url: string): Promise<string | undefined>
}

/** What a tenant's own token address answers. */
export interface Granted {
  readonly access_token: string
  readonly expires_in?: number
}

/** All that the logic needs of the world, so that it can be tried without a browser. */
export interface Ports {
  readonly config: Readonly<Config>
  now(): number
  /** Rejects with the signal's reason when that aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
  /** Rejects with a TransportError, or the signal's reason. */
  send(request: Request, signal?: AbortSignal): Promise<Reply>
  /** Asks the tenant's own site for a token. */
  grant(url: string, signal: AbortSignal): Promise<Granted>
  /** False if a listener prevented the default. */
  raise(event: Event): boolean
  /** What lasts for a tab. */
  readonly store: Store
  readonly prover: Prover
  readonly tabs: Tabs
  readonly trusted: Trusted
  /** The language in use. */
  lang(): string
  /** Loads what solves challenges. */
  part(): Promise<ChallengePart>
}

export interface Store {
  get(key: string): string | null
  set(key: string, value: string): unknown
}
