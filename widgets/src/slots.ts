import {abortable} from './wait'

/** So many at a time. Who waits is let in by age; only one who comes in the very moment that a slot gets free may be before them. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  /** Waits for a slot; the function that is returned gives it back. */
  async take(signal?: AbortSignal): Promise<() => void> {
    while (!this.#free) await abortable(new Promise<void>(look => this.#waiting.push(look)), signal)
    this.#free--
    return () => {
      this.#free++
      for (const look of this.#waiting.splice(0)) look()
    }
  }
}
