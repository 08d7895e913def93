/** The widget layer of stile, for pages in TypeScript. */

/** Parameters of a call. An array is sent as one parameter an element; undefined is left out. */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** One item of the corpus. */
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

/** What an answer says beside its data. */
export interface Meta {
  readonly total?: number
  /** The cursor of the next page, null on the last one. */
  readonly next?: string | null
  readonly facets?: Readonly<Record<string, unknown>>
  /** What was not counted to the end: at least `total` items match; `facets` lacks some, or has lower counts. */
  readonly incomplete?: readonly ('total' | 'facets')[]
  readonly token?: {readonly calls: number; readonly calls_limit: number; readonly expires_in: number}
}

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

/** The members of a refusal; the server's table of codes says what each means. */
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
}

/** A refusal of the server's. */
export class StileError extends Error implements Problem {
  readonly type: string
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly ref: string
  readonly renewable: boolean
  readonly retry_after: number | null
  readonly challenge: Challenge | null
  /** The page has taken it over: it prevented the default of an event about it. */
  readonly quiet: boolean
}

/** No answer came. */
export class TransportError extends Error {
  readonly code: 'timeout' | 'unreachable' | 'csp' | 'no_callback'
  readonly quiet: false
}

/** What a page may configure: data- attributes of the script, or Stile.configure(). */
export interface Config {
  clientId: string
  /** A token to begin with. */
  token: string
  /** An address of the page's own site: a POST to it answers {"access_token": "…"}. */
  tokenUrl: string
  /** The server; the script's origin where nothing is said. */
  api: string
  /** auto: by form, and by script where the page's policy or its network lets no form through. */
  transport: 'auto' | 'form' | 'jsonp'
  /** session: one token for all page views of a tab. */
  tokenStore: 'session' | 'memory'
  /** en, de, fr, es or ja; the page's language where nothing is said. */
  lang: string
  theme: 'auto' | 'light' | 'dark'
}

/** The layer, as a page sees it. */
export interface StileLayer {
  readonly version: string
  /** Asks the content API. Rejects with a StileError, a TransportError, or the signal's reason. */
  get<T = unknown>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>>
  setToken(token: string): void
  configure(config: Partial<Config>): void
  readonly StileError: typeof StileError
  readonly TransportError: typeof TransportError
}

export const Stile: StileLayer

/** A token, or the whole answer of the token endpoint. */
export type GivenToken = string | {readonly access_token: string; readonly expires_in?: number}

export interface TokenInvalidDetail {
  readonly code: string
  readonly title: string
  readonly detail: string
  /** 1 for the first since a call was answered. */
  readonly attempt: number
  /** Aborts when the answer is no longer wanted. */
  readonly signal: AbortSignal
  /** Answers with a token; the default, which is to ask at tokenUrl, is then prevented. */
  respondWith(token: GivenToken | PromiseLike<GivenToken>): void
}

export interface ChallengeDetail {
  readonly challenge: Challenge
  /** Answers it; null gives up. */
  respondWith(answer: string | null | PromiseLike<string | null>): void
}

/** Events about the page as a whole, raised on document. */
export interface StilePageEvents {
  'stile:token-invalid': CustomEvent<TokenInvalidDetail>
  'stile:token-renewed': CustomEvent<{readonly code: string; readonly attempt: number; readonly expiresIn: number | null}>
  /** retryAt is when it is tried again, as Date.now() counts. */
  'stile:token-failed': CustomEvent<{readonly code: string; readonly error: unknown; readonly retryAt: number}>
  'stile:challenge': CustomEvent<ChallengeDetail>
  'stile:challenge-solved': CustomEvent<{readonly kind: Challenge['kind']}>
  'stile:blocked': CustomEvent<{readonly code: string; readonly retryAfter: number | null}>
}

/** Events about one element, raised on it. */
export interface StileElementEvents {
  'stile:error': CustomEvent<{readonly code: string} & Partial<Problem>>
  'stile:load': CustomEvent<Answer<unknown>>
  'stile:select': CustomEvent<{readonly item: Item; readonly originalEvent: Event}>
}

/** Values that an attribute takes as a property: null and false take it away. */
type Attribute = string | number | boolean | null

/** A search box with suggestions. */
export interface StileSearchElement extends HTMLElement {
  /** The id of the results that it searches. */
  get for(): string
  set for(value: Attribute)
  /** An address that a search goes to where there are no results on the page. */
  get action(): string
  set action(value: Attribute)
  get link(): string
  set link(value: Attribute)
  get label(): string
  set label(value: Attribute)
  get placeholder(): string
  set placeholder(value: Attribute)
  get collection(): string
  set collection(value: Attribute)
  get minChars(): string
  set minChars(value: Attribute)
}

/** Results: their number, filters, items, pages. */
export interface StileResultsElement extends HTMLElement {
  get query(): string
  set query(value: Attribute)
  get collection(): string
  set collection(value: Attribute)
  get facets(): string
  set facets(value: Attribute)
  get pageSize(): string
  set pageSize(value: Attribute)
  /** relevance, newest or title. */
  get sort(): string
  set sort(value: Attribute)
  /** pages or more. */
  get mode(): string
  set mode(value: Attribute)
  /** list or grid. */
  get layout(): string
  set layout(value: Attribute)
  get link(): string
  set link(value: Attribute)
  get headingLevel(): string
  set headingLevel(value: Attribute)
  /** hash or query: where the page's address says what is shown. */
  get deepLink(): string
  set deepLink(value: Attribute)
}

/** Items of a collection or a tag. */
export interface StileListElement extends HTMLElement {
  get collection(): string
  set collection(value: Attribute)
  get tag(): string
  set tag(value: Attribute)
  get sort(): string
  set sort(value: Attribute)
  get pageSize(): string
  set pageSize(value: Attribute)
  /** list, grid or carousel. */
  get layout(): string
  set layout(value: Attribute)
  get label(): string
  set label(value: Attribute)
  get link(): string
  set link(value: Attribute)
  get headingLevel(): string
  set headingLevel(value: Attribute)
}

/** One item, whole. */
export interface StileItemElement extends HTMLElement {
  get item(): string
  set item(value: Attribute)
  get itemFrom(): string
  set itemFrom(value: Attribute)
  get related(): string
  set related(value: Attribute)
  get headingLevel(): string
  set headingLevel(value: Attribute)
  get link(): string
  set link(value: Attribute)
}

/** The custom properties that style the widgets. */
export type StileCustomProperty =
  | '--stile-accent' | '--stile-on-accent' | '--stile-background' | '--stile-surface' | '--stile-shade' | '--stile-line'
  | '--stile-text' | '--stile-muted' | '--stile-mark' | '--stile-heading-font' | '--stile-radius' | '--stile-gap'
  | '--stile-column' | '--stile-image-ratio' | '--stile-image-fit'

declare global {
  /** The layer's one global. */
  var Stile: StileLayer

  interface HTMLElementTagNameMap {
    'stile-search': StileSearchElement
    'stile-results': StileResultsElement
    'stile-list': StileListElement
    'stile-item': StileItemElement
  }

  interface DocumentEventMap extends StilePageEvents, StileElementEvents {}
  interface HTMLElementEventMap extends StileElementEvents {}
}
