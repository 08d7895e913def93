import {Challenges} from './challenges'
import {StileError} from './errors'
import {BlockedEvent} from './events'
import type {Field, Ports, Reply, Request} from './ports'
import {Session} from './session'
import {Slots} from './slots'
import {Tries} from './tries'
import type {Answer, Config, Params, Problem} from './types'

/**
 * Calls on the wire at once. A challenge that is met by one call is met by
 * those beside it too, and a token bears only a few calls with a challenge open
 * (policy.challenge.ignored, 5).
 */
const atOnce = 4

/** A call that still meets a new reason after so many renewals or challenges of its own ends with it. */
const rounds = 6

/** Refusals that nothing on this page mends. */
const blocks = new Set(['address_blocked', 'tenant_suspended', 'tenant_exhausted'])

/** Where a tab keeps what it has learnt of the server's clock. */
const clock = 'stile:clock'

/** Makes calls. Each ends once: with its answer, or with the last reason why there is none. */
export class Client {
  readonly #ports: Ports
  readonly #session: Session
  readonly #challenges: Challenges
  readonly #slots = new Slots(atOnce)
  /** The server's clock minus ours, in ms. The next page view knows it too: each refusal would cost it one way and back. */
  #skew: number
  /** Codes that the page was told about since the last good call, and whether it took them over. */
  readonly #told = new Map<string, boolean>()

  constructor(ports: Ports) {
    this.#ports = ports
    this.#skew = Number(ports.store.get(clock)) || 0
    this.#session = new Session(ports, () => this.#challenges.drop())
    this.#challenges = new Challenges({
      ...ports,
      submit: (path, params, token, signal) => this.#submit(path, params, token, signal),
      refused: (token, why) => this.#session.refused(token, why),
    })
  }

  setToken(token: string): void {
    this.#session.set(token)
  }

  /** The page has been configured anew while calls were made. */
  configured({token, tokenUrl}: Partial<Config>): void {
    if (token) this.#session.set(token)
    else if (tokenUrl) this.#session.again()
  }

  async get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<Answer<T>> {
    const tries = new Tries(this.#ports, signal)
    const fields = fieldsOf(params)
    for (let left = rounds; ;) {
      await this.#challenges.settled(signal)
      const token = await this.#session.token(signal)
      let reply
      try {
        reply = await this.#inTurn(path, fields, token, signal)
      } catch (fault) {
        await tries.after(fault)
      }
      if (!reply) continue
      if (!('error' in reply)) return this.#answered(token, reply as Answer<T>)
      const {error} = reply
      if (token !== this.#session.current && mendedByToken(error)) continue // that was the older one
      if (mendedByToken(error) && left--) await this.#mend(error, token, signal)
      else await tries.after(this.#refusal(error))
    }
  }

  /** Sends when it is this call's turn, unless things have changed by then. */
  async #inTurn(path: string, fields: readonly Field[], token: string, signal?: AbortSignal): Promise<Reply | undefined> {
    const release = await this.#slots.take(signal)
    try {
      signal?.throwIfAborted()
      if (this.#challenges.open || token !== this.#session.current) return undefined
      return await this.#send(path, fields, token, signal)
    } finally {
      release()
    }
  }

  #answered<A>(token: string, answer: A): A {
    this.#session.good(token)
    this.#told.clear()
    return answer
  }

  async #mend(error: Problem, token: string, signal?: AbortSignal): Promise<void> {
    if (error.renewable) this.#session.refused(token, error)
    else await this.#challenges.solve(error, token, signal)
  }

  /** A request about a challenge: tried again like a call, but for no other token. */
  async #submit(path: string, params: Params, token: string, signal: AbortSignal): Promise<Reply> {
    const tries = new Tries(this.#ports, signal)
    for (;;) {
      try {
        const reply = await this.#send(path, fieldsOf(params), token, signal)
        if (!('error' in reply && reply.error.code === 'overloaded')) return reply
        throw new StileError(reply.error)
      } catch (fault) {
        await tries.after(fault)
      }
    }
  }

  /** Sends, and once more if the clock was wrong by which it was proven. */
  async #send(path: string, fields: readonly Field[], token: string, signal?: AbortSignal): Promise<Reply> {
    const ports = this.#ports
    const request: Request = {
      path,
      fields: [...fields, ['client_id', ports.config.clientId], ['access_token', token]],
      prove: (method, url) => ports.prover.proof(method, url, token, ports.now() + this.#skew),
    }
    const reply = await ports.send(request, signal)
    if (!('error' in reply && reply.error.code === 'proof_invalid' && reply.error.now)) return reply
    ports.store.set(clock, String(this.#skew = reply.error.now * 1000 - ports.now()))
    return ports.send(request, signal)
  }

  #refusal(problem: Problem): StileError {
    const {code, retry_after} = problem
    if (blocks.has(code) && !this.#told.has(code)) this.#told.set(code, !this.#ports.raise(new BlockedEvent(code, retry_after)))
    return new StileError(problem, this.#told.get(code))
  }
}

/** Whether another token, or a challenge that is solved for it, is all that a call needs. */
function mendedByToken({renewable, code, challenge}: Problem): boolean {
  return renewable || code === 'challenge_required' && !!challenge
}

function fieldsOf(params: Params): Field[] {
  const fields: Field[] = []
  for (const [name, value] of Object.entries(params))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined && one !== null) fields.push([name, String(one)])
  return fields
}
