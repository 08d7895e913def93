/** The types that the parts of the widget layer share. This file contains no code. */

/** Parameters of a call. An array is sent as one parameter per element. undefined is omitted. */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** One item of the corpus, as the content API returns it. */
export interface Item {
  readonly id: string
  readonly collection: string
  readonly title: string
  readonly summary?: string
  /** Sanitised HTML. Only single items have it. */
  readonly body?: string
  readonly image?: string
  readonly url?: string
  readonly tags?: readonly string[]
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly published_at?: string
  readonly updated_at?: string
  /** With highlight=1: texts in which <mark> is the only markup, and the rest is escaped. */
  readonly highlight?: {readonly title: string; readonly summary: string}
}

/** One suggestion of /v1/suggest. */
export interface Suggestion {
  readonly text: string
  readonly id: string
  readonly collection: string
}

/** The members of a response besides its data. */
export interface Meta {
  readonly total?: number
  readonly next?: string | null
  readonly facets?: Readonly<Record<string, unknown>>
  /**
   * The counts that were not completed. `total`: at least that many items match. `facets`: values
   * are missing, or their counts are too low.
   */
  readonly incomplete?: readonly ('total' | 'facets')[]
  /** The ends of the range facets over all items that the tenant sees. */
  readonly ranges?: Readonly<Record<string, {readonly min: number | string; readonly max: number | string}>>
  /** The publisher's labels in the language that the call requested. */
  readonly labels?: Readonly<Record<string, unknown>>
  /** The words that were corrected: ["recipie", "recipe"]. */
  readonly corrected?: readonly (readonly [string, string])[]
  /** The words that were not used. */
  readonly ignored?: readonly string[]
  /** Items that match fewer words were added after the others. */
  readonly relaxed?: boolean
  /** If relaxed: the number of items that match all words. */
  readonly full?: number
  readonly token?: {readonly calls: number; readonly calls_limit: number; readonly expires_in: number}
}

/** The response to an admitted call. */
export interface Answer<T> {
  readonly data: T
  readonly meta: Meta
}

/** Work for the browser, with the parameters of an ALTCHA v2 challenge. */
export interface WorkChallenge {
  readonly id: string
  readonly kind: 'work'
  readonly expires_in: number
  readonly calls_left: number
  readonly parameters: {
    readonly algorithm: string
    readonly nonce: string
    readonly salt: string
    readonly cost: number
    readonly keyLength: number
    readonly keyPrefix: string
    readonly expiresAt?: number
  }
}

/** A picture or its sound, for the visitor. */
export interface PictureChallenge {
  readonly id: string
  readonly kind: 'picture'
  readonly expires_in: number
  readonly calls_left: number
  readonly picture: string
  readonly sound: string
  readonly digits: number
}

export type Challenge = WorkChallenge | PictureChallenge

/** The members of a refusal by the server. */
export interface Problem {
  readonly type: string
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly ref: string
  readonly renewable: boolean
  readonly retry_after: number | null
  readonly challenge: Challenge | null
  /** The server's time in Unix seconds. Only proof_invalid has it. */
  readonly now?: number
}

/** The settings of a page, from data- attributes of the script or Stile.configure(). */
export interface Config {
  clientId: string
  token: string
  tokenUrl: string
  api: string
  transport: 'auto' | 'form' | 'jsonp'
  tokenStore: 'session' | 'memory'
  lang: string
  theme: 'auto' | 'light' | 'dark'
}

/**
 * Returns a text of the layer in an element's language. Values replace {name} in it. Numbers are
 * formatted for the language.
 */
export interface Text {
  (key: string, values?: Readonly<Record<string, string | number>>): string
  /** The language of the element, such as "de" or "de-at", for numbers and dates. */
  readonly lang: string
}

/**
 * Core is the interface between the elements and the core. A page has one core.
 *
 * get settles exactly once, whatever happens to tokens, challenges and the network meanwhile. It
 * rejects with a StileError or a TransportError, or with an AbortError when signal aborts. If an
 * error's `quiet` is true, the page handles it (it called preventDefault on an event about it), and
 * the widget shows its fallback without a message.
 */
export interface Core {
  readonly version: string
  readonly config: Readonly<Config>
  get<T>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>>
  setToken(token: string): void
  configure(config: Partial<Config>): void
  /** The page's language, such as "de". An element's may differ: see elements/language.ts. */
  readonly lang: string
}

/**
 * A text for the page's developer, and the code whose problem page explains it. Mistakes with the
 * same key, by default the text, are reported once.
 */
export type Mistake = readonly [text: string, code?: string | undefined, key?: string]

/** The exports of `dev.mjs`, which is loaded if the page has a mistake. */
export interface DeveloperModule {
  report(found: readonly Mistake[], config: Readonly<Config>): void
  settings(given: Readonly<Record<string, unknown>>, config: Readonly<Config>, fixed: Readonly<Record<string, readonly string[]>>, isTag: boolean): readonly Mistake[]
  refused(error: Pick<Problem, 'code'> & Partial<Problem> & {readonly cause?: unknown; readonly quiet?: boolean}, config: Readonly<Config>): readonly Mistake[]
  forbidden(directive: string, url: string): readonly Mistake[]
  value(element: string, attribute: string, given: string, allowed: readonly string[]): readonly Mistake[]
  range(element: string, attribute: string, given: string, min: number, max: number): readonly Mistake[]
  target(id: string): readonly Mistake[]
  debug(): void
}

/** The exports of `challenge.mjs`, which is loaded on demand. It does not import the core. */
export interface ChallengeModule {
  /**
   * Returns the counter that solves the work, in decimal. Rejects with an AbortError when signal
   * aborts, and with a TimeoutError when the challenge expires.
   */
  work(challenge: WorkChallenge, options: {readonly signal?: AbortSignal; readonly trusted?: Trusted}): Promise<string>
  /**
   * Creates the dialog for pictures. It stays open after wrong answers and reloads, until close().
   */
  dialog(host: DialogHost): PictureDialog
}

/** The page's settings and functions that the dialog uses. */
export interface DialogHost {
  readonly lang: string
  readonly theme: Config['theme']
  /**
   * Requests a challenge that replaces the open one, and to which the next answer belongs. Returns
   * undefined if none is open any more. Rejects with any other error of the server.
   */
  reload(): Promise<Challenge | undefined>
}

/** The dialog for pictures. */
export interface PictureDialog {
  /**
   * Shows the challenge. `wrong` reports that the previous answer was wrong. Returns the visitor's
   * answer to the challenge that is shown then, null if the visitor cancels, a challenge of another
   * kind that a reload returned, or undefined if a reload found that no challenge is open.
   */
  ask(challenge: PictureChallenge, wrong: boolean): Promise<string | null | undefined | Challenge>
  close(): void
}

/** The page's Trusted Types policy "stile", or a substitute in browsers without Trusted Types. */
export interface Trusted {
  scriptURL(url: string): string
  /** Only for DOMParser, if its result is copied through an allowlist. */
  html(text: string): string
}
