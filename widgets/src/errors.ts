import type {Challenge, Problem} from './types'

/** A refusal of the server's: the fields of its error. */
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
  /** Whether the page has taken it over: it prevented the default of an event about it. */
  declare readonly quiet: boolean

  constructor(problem: Problem, quiet = false) {
    super(`${problem.code}: ${problem.detail}`)
    Object.assign(this, problem, {quiet})
  }

  override get name() {
    return 'StileError'
  }
}

/** Why no answer came at all. */
export type Fault = 'timeout' | 'unreachable' | 'csp' | 'no_callback'

/** The server's answer did not come. */
export class TransportError extends Error {
  readonly code: Fault
  readonly quiet = false

  constructor(code: Fault, cause?: unknown) {
    super(code, {cause})
    this.code = code
  }

  override get name() {
    return 'TransportError'
  }
}

/** A refusal that the layer itself makes, in the form of the server's. */
export function refusal(code: string, title: string, renewable: boolean): Problem {
  return {type: '/problems/' + code, code, status: 0, title, detail: title, ref: '', renewable, retry_after: null, challenge: null}
}
