import type {StileError, TransportError} from './errors'
import type {Challenge, Item, Meta, Problem} from './types'

/** The base of all events of the layer. They bubble, and cross shadow roots. */
class StileEvent<T> extends CustomEvent<T> {
  constructor(type: string, detail: T, cancelable = false) {
    super(type, {detail, cancelable, bubbles: true, composed: true})
  }
}

/** An event that a listener can answer with respondWith(). */
class AnswerableEvent<T, A> extends StileEvent<T & {respondWith(answer: A | PromiseLike<A>): void}> {
  /** The answer, if a listener gave one. */
  answer: Promise<A> | undefined

  constructor(type: string, detail: T) {
    super(type, {...detail, respondWith: given => {
      this.answer ??= Promise.resolve(given)
      this.answer.catch(() => {})
      this.preventDefault()
    }}, true)
  }
}

/** The answer to TokenInvalidEvent: the token, or the whole response of the token endpoint. */
export type GivenToken = string | {readonly access_token: string; readonly expires_in?: number}

export interface TokenInvalidDetail {
  readonly code: string
  readonly title: string
  readonly detail: string
  /** 1 for the first attempt since the last admitted call. */
  readonly attempt: number
  /** Aborts when the answer is no longer needed. */
  readonly signal: AbortSignal
}

/** There is no token, or it has become invalid. Default: request one at token-url. */
export class TokenInvalidEvent extends AnswerableEvent<TokenInvalidDetail, GivenToken> {
  constructor(detail: TokenInvalidDetail) {
    super('stile:token-invalid', detail)
  }
}

/** There is a new token. Widgets that failed because they had none retry. */
export class TokenRenewedEvent extends StileEvent<{readonly code: string; readonly attempt: number; readonly expiresIn: number | null}> {
  constructor(code: string, attempt: number, expiresIn: number | null) {
    super('stile:token-renewed', {code, attempt, expiresIn})
  }
}

/** No token could be obtained. retryAt is the time of the next attempt, in ms like Date.now(). */
export class TokenFailedEvent extends StileEvent<{readonly code: string; readonly error: unknown; readonly retryAt: number}> {
  constructor(code: string, error: unknown, retryAt: number) {
    super('stile:token-failed', {code, error, retryAt}, true)
  }
}

/**
 * A challenge must be solved. Default: work is solved in the background, a picture is shown in the
 * dialog. The answer null gives up.
 */
export class ChallengeEvent extends AnswerableEvent<{readonly challenge: Challenge}, string | null> {
  constructor(challenge: Challenge) {
    super('stile:challenge', {challenge})
  }
}

/** A challenge has been solved. */
export class ChallengeSolvedEvent extends StileEvent<{readonly kind: Challenge['kind']}> {
  constructor(kind: Challenge['kind']) {
    super('stile:challenge-solved', {kind})
  }
}

/**
 * Calls are refused for a reason that a new token does not resolve. It is raised once for each
 * reason, until a call is admitted again.
 */
export class BlockedEvent extends StileEvent<{readonly code: string; readonly retryAfter: number | null}> {
  constructor(code: string, retryAfter: number | null) {
    super('stile:blocked', {code, retryAfter}, true)
  }
}

/** An element could not load its content. Default: the element shows a message. */
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
