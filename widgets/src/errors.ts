import type {Challenge, Problem} from './types'

/** StileError is a refusal by the server, with the members of its error. */
export class StileError extends Error implements Problem {
  declare readonly type: string
  declare readonly code: string
  declare readonly status: number
  declare readonly title: string
  declare readonly detail: string
  declare readonly ref: string
  declare readonly renewable: boolean
  declare readonly retry_after: number | null
  declare readonly challenge: Challenge | null
  /** Reports whether the page handles it: a listener prevented the default of an event about it. */
  declare readonly quiet: boolean

  constructor(problem: Problem, quiet = false) {
    super(`${problem.code}: ${problem.detail}`)
    Object.assign(this, problem, {quiet})
  }

  override get name() {
    return 'StileError'
  }
}

/** The reasons why there is no response. */
export type TransportCode = 'timeout' | 'unreachable' | 'csp' | 'no_callback'

/** TransportError is thrown when no valid response arrives. */
export class TransportError extends Error {
  declare readonly code: TransportCode
  readonly quiet = false

  constructor(code: TransportCode, cause?: unknown) {
    super(code, {cause})
    this.code = code
  }

  override get name() {
    return 'TransportError'
  }
}

/** Returns the problem that the page's source of tokens has. status is that of the token URL. */
export function endpointProblem(detail: string, status = 0, code = 'token_endpoint'): Problem {
  return refusal(code, 'The page has no token', true, detail, status)
}

/** Returns a refusal by the layer itself, in the form of the server's refusals. */
export function refusal(code: string, title: string, renewable: boolean, detail = title, status = 0): Problem {
  return {type: '/problems/' + code, code, status, title, detail, ref: '', renewable, retry_after: null, challenge: null}
}
