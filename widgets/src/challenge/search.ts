import type {WorkChallenge} from '../types'
import type {Derive} from './pbkdf2'

/** The part of the counters that one search covers: every step-th, starting with first. */
export interface Lane {
  readonly parameters: WorkChallenge['parameters']
  readonly first: number
  readonly step: number
}

/**
 * Returns the lane's first counter whose key starts with the prefix. The key is PBKDF2 of the nonce
 * and the counter in 32 bits, big-endian, as in ALTCHA v2. `between` is awaited after every key,
 * and may throw to stop the search.
 *
 * Workers run the source of this function (worker.ts), so it must not use other parts of this
 * module.
 */
export async function search(lane: Lane, plain: Derive, between?: () => unknown): Promise<number> {
  const {nonce, salt, cost, keyPrefix} = lane.parameters
  const bytes = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(hex.match(/../g)!, byte => parseInt(byte, 16))

  const prefix = bytes(keyPrefix)
  const saltBytes = bytes(salt)
  const password = bytes(nonce + '00000000')
  const counterAt = new DataView(password.buffer, password.length - 4)
  // Browsers provide it only to secure origins.
  const subtle = globalThis.crypto?.subtle
  const native = async (): Promise<Uint8Array> => {
    const key = await subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits'])
    return new Uint8Array(await subtle.deriveBits({name: 'PBKDF2', hash: 'SHA-256', salt: saltBytes, iterations: cost}, key, 256))
  }

  for (let counter = lane.first; ; counter += lane.step) {
    counterAt.setUint32(0, counter)
    const key = subtle ? await native() : plain(password, saltBytes, cost)
    if (prefix.every((byte, i) => byte === key[i])) return counter
    if (between) await between()
  }
}
