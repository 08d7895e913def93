import type {StileError, TransportError} from './errors'
import type {Challenge, Item, Meta, Problem} from './types'

/** An event as all of the layer's are: heard through shadow roots, all the way up. */
class StileEvent<T> extends CustomEvent<T> {
  constructor(type: string, detail: T, cancelable = false) {
    super(type, {detail, cancelable, bubbles: true, composed: true})
  }
}

/** An event that a listener may answer. */
class Question<T, A> extends StileEvent<T & {respondWith(answer: A | PromiseLike<A>): void}> {
  /** The answer, where there was one. */
  answer: Promise<A> | undefined

  constructor(type: string, detail: T) {
    super(type, {...detail, respondWith: given => {
      this.answer ??= Promise.resolve(given)
      this.answer.catch(() => {})
      this.preventDefault()
    }}, true)
  }
}

/** What a page may answer when a token is asked for: the token, or the token endpoint's whole body. */
export type GivenToken = string | {readonly access_token: string; readonly expires_in?: number}

export interface TokenInvalidDetail {
  readonly code: string
  readonly title: string
  readonly detail: string
  /** 1 for the first since a call was answered. */
  readonly attempt: number
  /** Aborts when the answer is no longer wanted. */
  readonly signal: AbortSignal
}

/** There is no token, or it has become invalid. Default: ask at token-url. */
export class TokenInvalidEvent extends Question<TokenInvalidDetail, GivenToken> {
  constructor(detail: TokenInvalidDetail) {
    super('stile:token-invalid', detail)
  }
}

/** There is a new token; widgets that had failed for want of one try again. */
export class TokenRenewedEvent extends StileEvent<{readonly code: string; readonly attempt: number; readonly expiresIn: number | null}> {
  constructor(code: string, attempt: number, expiresIn: number | null) {
    super('stile:token-renewed', {code, attempt, expiresIn})
  }
}

/** No good token could be had; retryAt is when it is tried again, as Date.now() counts. */
export class TokenFailedEvent extends StileEvent<{readonly code: string; readonly error: unknown; readonly retryAt: number}> {
  constructor(code: string, error: unknown, retryAt: number) {
    super('stile:token-failed', {code, error, retryAt}, true)
  }
}

/** A challenge must be solved. Default: work unseen, a picture in the dialog. No answer (null) is a refusal to. */
export class ChallengeEvent extends Question<{readonly challenge: Challenge}, string | null> {
  constructor(challenge: Challenge) {
    super('stile:challenge', {challenge})
  }
}

export class ChallengeSolvedEvent extends StileEvent<{readonly kind: Challenge['kind']}> {
  constructor(kind: Challenge['kind']) {
    super('stile:challenge-solved', {kind})
  }
}

/** Calls are refused for a reason that no token mends. Once for each reason, until a call is answered again. */
export class BlockedEvent extends StileEvent<{readonly code: string; readonly retryAfter: number | null}> {
  constructor(code: string, retryAfter: number | null) {
    super('stile:blocked', {code, retryAfter}, true)
  }
}

/** An element could not load its content. Default: a message in it. */
export class ErrorEvent extends StileEvent<Pick<Problem, 'code'> & Partial<Problem>> {
  constructor(error: StileError | TransportError) {
    super('stile:error', {...error}, true)
  }
}

/** An element has loaded its content. */
export class LoadEvent<T> extends StileEvent<{readonly data: T; readonly meta: Meta}> {
  constructor(data: T, meta: Meta) {
    super('stile:load', {data, meta})
  }
}

/** The visitor chose an item. Default: its link is followed. */
export class SelectEvent extends StileEvent<{readonly item: Item; readonly originalEvent: Event}> {
  constructor(item: Item, originalEvent: Event) {
    super('stile:select', {item, originalEvent}, true)
  }
}
