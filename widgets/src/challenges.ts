import {StileError, TransportError} from './errors'
import {ChallengeEvent, ChallengeSolvedEvent} from './events'
import type {Ports, Reply} from './ports'
import type {Challenge, DialogHost, PictureDialog, Problem} from './types'
import {abortable} from './wait'

/** ChallengePorts are the ports that challenges need. */
export interface ChallengePorts extends Ports {
  /** Sends a request about a challenge, with the token that the challenge was issued to. */
  submit(path: string, params: Readonly<Record<string, string>>, token: string, signal: AbortSignal): Promise<Reply>
  /** Reports that the token was refused. */
  refused(token: string, why: Problem): void
}

type Answer = string | null | undefined | Challenge

/** Challenges solves one challenge at a time. Calls wait until it is settled. */
export class Challenges {
  readonly #ports: ChallengePorts
  #solving: Promise<void> | undefined
  #stop = new AbortController()

  constructor(ports: ChallengePorts) {
    this.#ports = ports
  }

  get open(): boolean {
    return !!this.#solving
  }

  /**
   * Waits until no challenge is open. It rejects like the calls that received the challenge: if the
   * visitor gave up, the next widget does not show the challenge again.
   */
  async settled(signal?: AbortSignal): Promise<void> {
    if (this.#solving) await abortable(this.#solving, signal)
  }

  /** Solves the challenge of a refusal, or waits for the one that is being solved. */
  solve(refusal: Problem, token: string, signal?: AbortSignal): Promise<void> {
    this.#solving ??= this.#begin(refusal, token)
    return abortable(this.#solving, signal)
  }

  /** Stops solving: the challenge belongs to the previous token. */
  drop(): void {
    this.#stop.abort()
  }

  async #begin(refusal: Problem, token: string): Promise<void> {
    const {signal} = this.#stop = new AbortController()
    await null // so that #solving is set first
    const attempt = new Attempt(this.#ports, refusal, token, signal)
    try {
      await attempt.run()
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#solving = undefined
      attempt.end()
    }
  }
}

/** Attempt solves the challenge of a refusal. It continues through wrong answers and reloads. */
class Attempt {
  #dialog: PictureDialog | undefined
  /** The challenge that an answer is for. A reload in the dialog replaces it. */
  #challenge!: Challenge

  readonly #ports: ChallengePorts
  readonly #refusal: Problem
  readonly #token: string
  readonly #signal: AbortSignal

  constructor(ports: ChallengePorts, refusal: Problem, token: string, signal: AbortSignal) {
    this.#ports = ports
    this.#refusal = refusal
    this.#token = token
    this.#signal = signal
  }

  async run(): Promise<void> {
    let challenge: Challenge | null | undefined = this.#refusal.challenge
    for (let wrong = false; challenge;) {
      this.#challenge = challenge
      const answer: Answer = await abortable(this.#answer(challenge, wrong), this.#signal)
      if (answer === null) throw new StileError(this.#refusal)
      // Visitors do not see that their browser's work was wrong.
      wrong = typeof answer === 'string' && this.#challenge.kind === 'picture'
      challenge = typeof answer === 'string' ? await this.#submit(answer) : answer
    }
  }

  end(): void {
    this.#dialog?.close()
  }

  /**
   * Returns the answer, null if the visitor gives up, another challenge that replaces this one, or
   * undefined if it is not open any more. The calls then find out why.
   */
  async #answer(challenge: Challenge, wrong: boolean): Promise<Answer> {
    const event = new ChallengeEvent(challenge)
    const byDefault = this.#ports.raise(event)
    if (event.answer) return event.answer.then(answer => answer == null ? null : String(answer), () => null)
    if (!byDefault) throw new StileError(this.#refusal, true)
    const part = await this.#ports.part().catch(error => { throw new TransportError('unreachable', error) })
    this.#signal.throwIfAborted()
    if (challenge.kind === 'work') return part.work(challenge, {signal: this.#signal, trusted: this.#ports.trusted}).catch(() => null)
    this.#dialog ??= part.dialog(this.#host())
    return this.#dialog.ask(challenge, wrong).catch(() => null)
  }

  /**
   * Sends the answer. Returns the next challenge if it was wrong, or undefined if calls can
   * continue.
   */
  async #submit(answer: string): Promise<Challenge | undefined> {
    const reply = await this.#send('answer', {answer})
    if (!('error' in reply)) {
      this.#ports.raise(new ChallengeSolvedEvent(this.#challenge.kind))
      return undefined
    }
    const {error} = reply
    if (error.code === 'challenge_failed' && error.challenge) return error.challenge
    // The challenge was solved or replaced, or the token is dead. The calls find out which.
    if (error.code !== 'not_found' && !error.renewable) throw new StileError(error)
    if (error.renewable) this.#ports.refused(this.#token, error)
    return undefined
  }

  #send(what: string, params: Readonly<Record<string, string>>): Promise<Reply> {
    return this.#ports.submit(`/v1/challenges/${this.#challenge.id}/${what}`, params, this.#token, this.#signal)
  }

  #host(): DialogHost {
    return {
      lang: this.#ports.lang(),
      theme: this.#ports.config.theme,
      reload: async () => {
        const reply = await this.#send('reload', {})
        if (!('error' in reply)) return this.#challenge = reply.data as Challenge
        if (reply.error.code === 'not_found') return undefined
        if (reply.error.renewable) this.#ports.refused(this.#token, reply.error)
        throw new StileError(reply.error)
      },
    }
  }
}
