import {abortable} from './wait'

/**
 * Slots limits how many calls run concurrently. Calls wait in order, except that a call that
 * arrives at the moment when a slot becomes free may come first.
 */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  /** Waits for a slot. Returns a function that releases it. */
  async take(signal?: AbortSignal): Promise<() => void> {
    while (!this.#free) await abortable(new Promise<void>(wake => this.#waiting.push(wake)), signal)
    this.#free--
    return () => {
      this.#free++
      for (const wake of this.#waiting.splice(0)) wake()
    }
  }
}
