import {abortable} from './wait'

/** So many at a time, first come, first served. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  /** Waits for a slot; the function that is returned gives it back. */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (this.#free > 0) this.#free--
    else await this.#turn(signal)
    return () => this.#give()
  }

  async #turn(signal?: AbortSignal): Promise<void> {
    let mine = false, gone = false
    const turn = new Promise<void>(resolve => this.#waiting.push(() => {
      if (gone) return this.#give()
      mine = true
      resolve()
    }))
    await abortable(turn, signal).catch(error => {
      gone = true
      if (mine) this.#give()
      throw error
    })
  }

  #give(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}
