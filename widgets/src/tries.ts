import {StileError, TransportError} from './errors'
import type {Ports} from './ports'

/** Whoever is told to come back later than that (in seconds) is told so. */
const patience = 60

/** What a call may still try after faults that pass: of the network, and a busy server's. */
export class Tries {
  readonly #ports: Ports
  readonly #signal: AbortSignal | undefined
  #made = 0

  constructor(ports: Ports, signal?: AbortSignal) {
    this.#ports = ports
    this.#signal = signal
  }

  /** Waits until it is time to try again, or throws the error if that is of no use. */
  async after(error: unknown): Promise<void> {
    const wait = pause(error)
    if (wait === undefined || wait > patience || this.#made === 2) throw error
    const jitter = 0.5 + this.#ports.random()
    const ms = wait ? wait * 1000 + jitter * 100 : 400 * 2 ** this.#made * jitter
    this.#made++
    await this.#ports.sleep(ms, this.#signal)
  }
}

/** The seconds that an error asks for, 0 where it leaves that to us, undefined where another try is of no use. */
function pause(error: unknown): number | undefined {
  if (error instanceof StileError && error.code === 'overloaded') return error.retry_after ?? 0
  if (error instanceof TransportError && (error.code === 'timeout' || error.code === 'unreachable')) return 0
  return undefined
}
