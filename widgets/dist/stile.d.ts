/** The widget layer of stile, for pages in TypeScript. */

/** Parameters of a call. An array is sent as one parameter per element. undefined is omitted. */
export type Params = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** One item of the corpus. */
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

/** The members of a response besides its data. */
export interface Meta {
  readonly total?: number
  /** The cursor of the next page, or null on the last page. */
  readonly next?: string | null
  readonly facets?: Readonly<Record<string, unknown>>
  /**
   * The counts that were not completed. `total`: at least that many items match. `facets`: values
   * are missing, or their counts are too low.
   */
  readonly incomplete?: readonly ('total' | 'facets')[]
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

/** The members of a refusal. The server's page /problems/CODE explains each code. */
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

/**
 * A refusal by the server, or the code `token_endpoint`: no token could be obtained. Its status is
 * the HTTP status of the token URL's response, or 0.
 */
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
  /** Whether the page handles it: a listener prevented the default of an event about it. */
  readonly quiet: boolean
}

/** No valid response arrived. */
export class TransportError extends Error {
  readonly code: 'timeout' | 'unreachable' | 'csp' | 'no_callback'
  readonly quiet: false
}

/** The settings of a page, from data- attributes of the script or Stile.configure(). */
export interface Config {
  clientId: string
  /** The first token. */
  token: string
  /** A URL of the page's own site. It responds to a POST with {"access_token": "…"}. */
  tokenUrl: string
  /** The origin of the server. Default: the script's origin. */
  api: string
  /** auto: forms, or scripts if the page's policy or the network blocks forms. Default: auto. */
  transport: 'auto' | 'form' | 'jsonp'
  /** session: one token for all page views of a tab. memory: one for each page view. */
  tokenStore: 'session' | 'memory'
  /** en, de, fr, es or ja. Default: the nearest `lang` around an element. */
  lang: string
  theme: 'auto' | 'light' | 'dark'
}

/** The layer's interface for pages. */
export interface StileLayer {
  readonly version: string
  /** Calls the content API. Rejects with a StileError, a TransportError, or the signal's reason. */
  get<T = unknown>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>>
  setToken(token: string): void
  /** debug logs all events on the console. */
  configure(config: Partial<Config> & {readonly debug?: boolean}): void
  readonly StileError: typeof StileError
  readonly TransportError: typeof TransportError
}

export const Stile: StileLayer

/** A token, or the whole response of the token endpoint. */
export type GivenToken = string | {readonly access_token: string; readonly expires_in?: number}

/** The detail of stile:token-invalid. */
export interface TokenInvalidDetail {
  readonly code: string
  readonly title: string
  readonly detail: string
  /** 1 for the first attempt since the last admitted call. */
  readonly attempt: number
  /** Aborts when the answer is no longer needed. */
  readonly signal: AbortSignal
  /** Answers with a token, instead of the default: a request to tokenUrl. */
  respondWith(token: GivenToken | PromiseLike<GivenToken>): void
}

/** The detail of stile:challenge. */
export interface ChallengeDetail {
  readonly challenge: Challenge
  /** Answers the challenge, instead of the default. null gives up. */
  respondWith(answer: string | null | PromiseLike<string | null>): void
}

/** Events about the page as a whole, dispatched on document. */
export interface StilePageEvents {
  /** The layer is ready. It is dispatched once. */
  'stile:ready': CustomEvent<{readonly Stile: StileLayer}>
  'stile:token-invalid': CustomEvent<TokenInvalidDetail>
  'stile:token-renewed': CustomEvent<{readonly code: string; readonly attempt: number; readonly expiresIn: number | null}>
  /** retryAt is the time of the next attempt, in ms like Date.now(). */
  'stile:token-failed': CustomEvent<{readonly code: string; readonly error: unknown; readonly retryAt: number}>
  'stile:challenge': CustomEvent<ChallengeDetail>
  'stile:challenge-solved': CustomEvent<{readonly kind: Challenge['kind']}>
  'stile:blocked': CustomEvent<{readonly code: string; readonly retryAfter: number | null}>
}

/** Events about one element, dispatched on it. */
export interface StileElementEvents {
  'stile:error': CustomEvent<{readonly code: string} & Partial<Problem>>
  'stile:load': CustomEvent<Answer<unknown>>
  'stile:select': CustomEvent<{readonly item: Item; readonly originalEvent: Event}>
}

/** Values of an attribute's property. null and false remove the attribute. */
type Attribute = string | number | boolean | null

/** A search box with suggestions. */
export interface StileSearchElement extends HTMLElement {
  /** The id of the stile-results element that it searches. */
  get for(): string
  set for(value: Attribute)
  /** The URL of a page to open with ?q= if this page has no stile-results element. */
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

/** Search results, with their number, filters, items and pages. */
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
  /** hash or query: the part of the page's URL that contains the search. */
  get deepLink(): string
  set deepLink(value: Attribute)
}

/** A list of items of a collection or with a tag. */
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

/** One complete item. */
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
  /** The layer's only global. */
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
