import {Challenges} from './challenges'
import {StileError} from './errors'
import {BlockedEvent} from './events'
import type {Field, Ports, Reply, Request} from './ports'
import {Session} from './session'
import {Slots} from './slots'
import {Retries} from './retries'
import type {Answer, Config, Params, Problem} from './types'

/**
 * The maximum number of concurrent calls. If one call receives a challenge, the others receive it
 * too, and a token dies after a few calls with a challenge open (policy.challenge.ignored, 5).
 */
const maxConcurrent = 4

/** The maximum number of renewals and challenges of one call. After them, it fails. */
const maxRecoveries = 6

/**
 * The beginnings of address_blocked, tenant_suspended and tenant_exhausted: codes that neither a
 * new token nor an answer resolves.
 */
const blocks = /^(address|tenant)_/

/** The key under which the tab stores the difference between the server's clock and its own. */
const clock = 'stile:clock'

/** Client makes calls. Each one settles once, with the response or the last error. */
export class Client {
  readonly #ports: Ports
  readonly #session: Session
  readonly #challenges: Challenges
  readonly #slots = new Slots(maxConcurrent)
  /**
   * The server's clock minus ours, in ms. It is stored for the next page view. Otherwise, if the
   * device's clock is wrong, the first call of each page view would be refused.
   */
  #skew: number
  /**
   * The codes in `blocks` that the page was notified of since the last admitted call. The value
   * reports whether the page prevented the default.
   */
  readonly #notified = new Map<string, boolean>()

  constructor(ports: Ports) {
    this.#ports = ports
    this.#skew = +ports.store.get(clock)! || 0
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

  /** Applies settings that changed after the first call. */
  configured({token, tokenUrl}: Partial<Config>): void {
    if (token) this.#session.set(token)
    else if (tokenUrl) this.#session.retry(true)
  }

  /** Makes an attempt to get a token, if the last one has failed. */
  retry(): void {
    this.#session.retry(false)
  }

  async get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<Answer<T>> {
    const retries = new Retries(this.#ports, signal)
    const fields = fieldsOf(params)
    for (let left = maxRecoveries; ;) {
      await this.#challenges.settled(signal)
      const token = await this.#session.token(signal)
      const reply = await this.#inTurn(path, fields, token, signal).catch(error => retries.waitAfter(error))
      if (!reply) continue
      if (!('error' in reply)) {
        this.#session.succeeded(token)
        this.#notified.clear()
        return reply as Answer<T>
      }
      const {error} = reply
      // The token has been replaced.
      if (token !== this.#session.current && isRecoverable(error)) continue
      if (isRecoverable(error) && left--) await this.#recover(error, token, signal)
      else await retries.waitAfter(this.#refusal(error))
    }
  }

  /**
   * Sends the request when a slot is free. Returns undefined if the token has changed by then, or a
   * challenge is open.
   */
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

  async #recover(error: Problem, token: string, signal?: AbortSignal): Promise<void> {
    if (error.renewable) this.#session.refused(token, error)
    else await this.#challenges.solve(error, token, signal)
  }

  /** Sends a request about a challenge. It is retried like a call, but only with the same token. */
  async #submit(path: string, params: Params, token: string, signal: AbortSignal): Promise<Reply> {
    const retries = new Retries(this.#ports, signal)
    for (;;) {
      try {
        const reply = await this.#send(path, fieldsOf(params), token, signal)
        if (!('error' in reply && reply.error.code === 'overloaded')) return reply
        throw new StileError(reply.error)
      } catch (error) {
        await retries.waitAfter(error)
      }
    }
  }

  /** Sends a request. If the proof had a wrong time, corrects the time and sends it once more. */
  async #send(path: string, fields: readonly Field[], token: string, signal?: AbortSignal): Promise<Reply> {
    const ports = this.#ports
    const request: Request = {
      path,
      fields: [...fields, ['client_id', ports.config.clientId], ['access_token', token]],
      prove: (method, url) => ports.prover.proof(method, url, token, ports.now() + this.#skew),
    }
    const reply = await ports.send(request, signal)
    if (!('error' in reply && reply.error.code === 'proof_invalid' && reply.error.now)) return reply
    ports.store.set(clock, '' + (this.#skew = reply.error.now * 1000 - ports.now()))
    return ports.send(request, signal)
  }

  #refusal(problem: Problem): StileError {
    const {code, retry_after} = problem
    if (blocks.test(code) && !this.#notified.has(code)) this.#notified.set(code, !this.#ports.raise(new BlockedEvent(code, retry_after)))
    return new StileError(problem, this.#notified.get(code))
  }
}

/** Reports whether a new token or a solved challenge is enough for the call to be admitted. */
function isRecoverable({renewable, challenge}: Problem): boolean {
  return renewable || !!challenge
}

function fieldsOf(params: Params): Field[] {
  const fields: Field[] = []
  for (const [name, value] of Object.entries(params))
    for (const one of [value].flat())
      if (one != null) fields.push([name, String(one)])
  return fields
}
