/** What the parts of the widget layer know of each other, and nothing that runs. */

/** Parameters of a call. An array is sent as one parameter an element; undefined is left out. */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** One item of the corpus, as the content API gives it. */
export interface Item {
  readonly id: string
  readonly collection: string
  readonly title: string
  readonly summary?: string
  /** Sanitised HTML; in a whole item only. */
  readonly body?: string
  readonly image?: string
  readonly url?: string
  readonly tags?: readonly string[]
  readonly attributes?: Readonly<Record<string, unknown>>
  readonly published_at?: string
  readonly updated_at?: string
  /** With highlight=1: texts in which only <mark> is markup, all else is escaped. */
  readonly highlight?: {readonly title: string; readonly summary: string}
}

/** One suggestion of /v1/suggest. */
export interface Suggestion {
  readonly text: string
  readonly id: string
  readonly collection: string
}

/** What an answer says beside its data. */
export interface Meta {
  readonly total?: number
  readonly next?: string | null
  readonly facets?: Readonly<Record<string, unknown>>
  /** What was not counted to the end: at least `total` items match; `facets` lacks some, or has lower counts. */
  readonly incomplete?: readonly ('total' | 'facets')[]
  readonly token?: {readonly calls: number; readonly calls_limit: number; readonly expires_in: number}
}

/** A good answer. */
export interface Answer<T> {
  readonly data: T
  readonly meta: Meta
}

/** Work for the browser: the parameters of an ALTCHA v2 challenge. */
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

/** A picture, or its sound, for the visitor. */
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

/** The members of a refusal, as the server sends them. */
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
  /** The server's time in Unix seconds, with proof_invalid. */
  readonly now?: number
}

/** What a page may configure: data- attributes of the script, or Stile.configure(). */
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

/** A text of the layer in the visitor's language. Values fill {name} in it; a number is written as the language does. */
export type Text = (key: string, values?: Readonly<Record<string, string | number>>) => string

/**
 * What the elements ask of the core. There is one on a page.
 *
 * get settles exactly once, whatever becomes of tokens, challenges and the
 * network meanwhile. It rejects with a StileError or a TransportError, or with
 * an AbortError when signal aborts. An error whose `quiet` is true has been
 * taken over by the page (it called preventDefault on an event about it), and
 * a widget shows its fallback and no message.
 */
export interface Core {
  readonly version: string
  readonly config: Readonly<Config>
  get<T>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>>
  setToken(token: string): void
  configure(config: Partial<Config>): void
  /** The language in use, such as "de". */
  readonly lang: string
}

/** What the lazily loaded file `challenge.mjs` exports, and what it is given. It imports nothing of the core. */
export interface ChallengePart {
  /** Finds the counter, in decimal. Rejects with an AbortError when signal aborts, with a TimeoutError when the challenge expires. */
  work(challenge: WorkChallenge, options: {readonly signal?: AbortSignal; readonly trusted?: Trusted}): Promise<string>
  /** Opens the dialog for pictures. It stays open through wrong answers and reloads, until close(). */
  dialog(host: DialogHost): PictureDialog
}

export interface DialogHost {
  readonly lang: string
  readonly theme: Config['theme']
  /** Asks the server for another challenge in the place of this one. Rejects with the error to show. */
  reload(challenge: PictureChallenge): Promise<Challenge>
}

export interface PictureDialog {
  /** Shows the challenge (`wrong`: the answer before was wrong); the visitor's answer, null if cancelled, or another challenge if a reload gave one of another kind. */
  ask(challenge: PictureChallenge, wrong: boolean): Promise<string | null | Challenge>
  close(): void
}

/** The page's one Trusted Types policy, named "stile", or a stand-in where there are none. */
export interface Trusted {
  scriptURL(url: string): string
  /** For DOMParser alone, and only where what it parses is copied by a list of what may be there. */
  html(text: string): string
}
