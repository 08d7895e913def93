import type {StileError} from './errors'
import type {Ports} from './ports'

/** The longest pause that a call waits for, in seconds. A longer one fails the call. */
const maxPause = 60

/** Retries decides whether a call is retried after a temporary failure of the network or server. */
export class Retries {
  readonly #ports: Ports
  readonly #signal: AbortSignal | undefined
  #made = 0

  constructor(ports: Ports, signal?: AbortSignal) {
    this.#ports = ports
    this.#signal = signal
  }

  /** Waits until the call can be retried. Throws the error if a retry would not help. */
  async waitAfter(error: unknown): Promise<void> {
    const wait = pause(error)
    if (wait === undefined || wait > maxPause || this.#made === 2) throw error
    const jitter = 0.5 + this.#ports.random()
    const ms = wait ? wait * 1000 + jitter * 100 : 400 * 2 ** this.#made * jitter
    this.#made++
    await this.#ports.sleep(ms, this.#signal)
  }
}

/**
 * Returns the seconds to wait that an error states, 0 if it states none, or undefined if a retry
 * would not help.
 */
function pause(error: unknown): number | undefined {
  const {code, retry_after} = Object(error) as Partial<StileError>
  return code === 'overloaded' ? retry_after ?? 0 : code === 'timeout' || code === 'unreachable' ? 0 : undefined
}
