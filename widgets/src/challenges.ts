import {StileError, TransportError} from './errors'
import {ChallengeEvent, ChallengeSolvedEvent} from './events'
import type {Ports, Reply} from './ports'
import type {Challenge, DialogHost, PictureDialog, Problem} from './types'
import {abortable} from './wait'

/** What challenges need beside the ports. */
export interface ChallengeNeeds extends Ports {
  /** Sends a request about a challenge with the token that it was given to. */
  submit(path: string, params: Readonly<Record<string, string>>, token: string, signal: AbortSignal): Promise<Reply>
  /** The token was refused. */
  refused(token: string, why: Problem): void
}

type Answer = string | null | Challenge

/** The one challenge that is open, and all who wait for it. */
export class Challenges {
  readonly #needs: ChallengeNeeds
  #solving: Promise<void> | undefined
  #stop = new AbortController()

  constructor(needs: ChallengeNeeds) {
    this.#needs = needs
  }

  get open(): boolean {
    return !!this.#solving
  }

  /** Waits until none is open. Rejects as the calls do that met it: a visitor who gave up is not asked by the next widget. */
  async settled(signal?: AbortSignal): Promise<void> {
    if (this.#solving) await abortable(this.#solving, signal)
  }

  /** Has the challenge of a refusal solved, or waits for the one that is being solved. */
  solve(refusal: Problem, token: string, signal?: AbortSignal): Promise<void> {
    this.#solving ??= this.#begin(refusal, token)
    return abortable(this.#solving, signal)
  }

  /** The token is another one now, and the challenge was the old one's. */
  drop(): void {
    this.#stop.abort()
  }

  async #begin(refusal: Problem, token: string): Promise<void> {
    const {signal} = this.#stop = new AbortController()
    await null // until this is known to be open
    const attempt = new Attempt(this.#needs, refusal, token, signal)
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

/** From a refusal to an answer that the server takes, over wrong answers and reloads. */
class Attempt {
  #dialog: PictureDialog | undefined

  readonly #needs: ChallengeNeeds
  readonly #refusal: Problem
  readonly #token: string
  readonly #signal: AbortSignal

  constructor(needs: ChallengeNeeds, refusal: Problem, token: string, signal: AbortSignal) {
    this.#needs = needs
    this.#refusal = refusal
    this.#token = token
    this.#signal = signal
  }

  async run(): Promise<void> {
    let wrong = false
    for (let challenge: Challenge | null = this.#refusal.challenge; challenge;) {
      const answer: Answer = await abortable(this.#answer(challenge, wrong), this.#signal)
      if (answer === null) throw new StileError(this.#refusal)
      if (typeof answer !== 'string') challenge = answer
      else {
        const next: Challenge | null = await this.#submit(challenge, answer)
        wrong = !!next
        challenge = next
      }
    }
  }

  end(): void {
    this.#dialog?.close()
  }

  /** The answer, null if there will be none, or another challenge in the place of this one. */
  async #answer(challenge: Challenge, wrong: boolean): Promise<Answer> {
    const event = new ChallengeEvent(challenge)
    const untouched = this.#needs.raise(event)
    if (event.answer) return event.answer.then(answer => answer == null ? null : String(answer), () => null)
    if (!untouched) throw new StileError(this.#refusal, true)
    const part = await this.#needs.part().catch(error => { throw new TransportError('unreachable', error) })
    this.#signal.throwIfAborted()
    if (challenge.kind === 'work') return part.work(challenge, {signal: this.#signal, trusted: this.#needs.trusted}).catch(() => null)
    this.#dialog ??= part.dialog(this.#host())
    return this.#dialog.ask(challenge, wrong).catch(() => null)
  }

  /** Sends the answer. Returns the next challenge if it was wrong, null if calls may go on. */
  async #submit(challenge: Challenge, answer: string): Promise<Challenge | null> {
    const reply = await this.#send(challenge, 'answer', {answer})
    if (!('error' in reply)) {
      this.#needs.raise(new ChallengeSolvedEvent(challenge.kind))
      return null
    }
    const {error} = reply
    if (error.code === 'challenge_failed' && error.challenge) return error.challenge
    // It was solved or replaced, or the token is dead: the calls themselves find out how it stands.
    if (error.code !== 'not_found' && !error.renewable) throw new StileError(error)
    if (error.renewable) this.#needs.refused(this.#token, error)
    return null
  }

  #send(challenge: Challenge, what: string, params: Readonly<Record<string, string>>): Promise<Reply> {
    return this.#needs.submit(`/v1/challenges/${challenge.id}/${what}`, params, this.#token, this.#signal)
  }

  #host(): DialogHost {
    return {
      lang: this.#needs.lang(),
      theme: this.#needs.config.theme,
      reload: async challenge => {
        const reply = await this.#send(challenge, 'reload', {})
        if (!('error' in reply)) return reply.data as Challenge
        if (reply.error.renewable) this.#needs.refused(this.#token, reply.error)
        throw new StileError(reply.error)
      },
    }
  }
}
