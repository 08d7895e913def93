/** PBKDF2 with HMAC-SHA-256: the first 32 bytes of the key. */
export type Derive = (password: Uint8Array, salt: Uint8Array, iterations: number) => Uint8Array

/**
 * PBKDF2 in plain JavaScript, for pages without crypto.subtle: browsers give
 * that to secure origins alone. It makes the first block (RFC 8018, 5.2), and
 * 32 bytes are all that a prefix is compared with.
 *
 * A Worker is given the source of this function (worker.ts), so it uses
 * nothing of this module's.
 */
export function pbkdf2(): Derive {
  // FIPS 180-4: 32 bits of the fractions of the primes' roots. A double has 50
  // of them, so they are computed, which is shorter than to write them down.
  const fraction = (root: number): number => (root - Math.floor(root)) * 2 ** 32 | 0
  const start = new Int32Array(8)
  const constants = new Int32Array(64)
  for (let n = 2, found = 0; found < 64; n++) {
    let divisor = 2
    while (n % divisor) divisor++
    if (divisor < n) continue
    if (found < 8) start[found] = fraction(n ** (1 / 2))
    constants[found++] = fraction(n ** (1 / 3))
  }

  const w = new Int32Array(64)

  /** Mixes the block in w into the state. */
  const compress = (state: Int32Array): void => {
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!
      const y = w[i - 2]!
      w[i] = w[i - 16]! + w[i - 7]!
        + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3)
        + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10)
    }
    let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!
    let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!
    for (let i = 0; i < 64; i++) {
      const t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (g ^ e & (f ^ g)) + constants[i]! + w[i]! | 0
      const u = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b | c & (a | b)) | 0
      h = g
      g = f
      f = e
      e = d + t | 0
      d = c
      c = b
      b = a
      a = t + u | 0
    }
    state[0]! += a
    state[1]! += b
    state[2]! += c
    state[3]! += d
    state[4]! += e
    state[5]! += f
    state[6]! += g
    state[7]! += h
  }

  /** The state after bytes, which `before` others went before, and the padding. */
  const hash = (bytes: Uint8Array, from: Int32Array, before: number): Int32Array => {
    const state = from.slice()
    const padded = new DataView(new ArrayBuffer((bytes.length + 72 >> 6) * 64))
    bytes.forEach((byte, i) => padded.setUint8(i, byte))
    padded.setUint8(bytes.length, 128)
    padded.setUint32(padded.byteLength - 4, (before + bytes.length) * 8)
    for (let at = 0; at < padded.byteLength; at += 64) {
      for (let i = 0; i < 16; i++) w[i] = padded.getInt32(at + i * 4)
      compress(state)
    }
    return state
  }

  /** The state after one more whole hash's worth of words: what an iteration does, twice. */
  const again = (words: Int32Array, from: Int32Array, into: Int32Array): void => {
    w.set(words)
    w[8] = 1 << 31
    w.fill(0, 9, 15)
    w[15] = (64 + 32) * 8
    into.set(from)
    compress(into)
  }

  const bytesOf = (words: Int32Array): Uint8Array => {
    const view = new DataView(new ArrayBuffer(32))
    words.forEach((word, i) => view.setInt32(i * 4, word))
    return new Uint8Array(view.buffer)
  }

  return (password, salt, iterations) => {
    const key = password.length > 64 ? bytesOf(hash(password, start, 0)) : password
    const pad = (byte: number): Int32Array => {
      const state = start.slice()
      for (let i = 0; i < 64; i++) w[i >> 2] = w[i >> 2]! << 8 | (key[i] ?? 0) ^ byte
      compress(state)
      return state
    }
    const inner = pad(0x36)
    const outer = pad(0x5c)
    const first = new Uint8Array(salt.length + 4)
    first.set(salt)
    first[salt.length + 3] = 1

    const one = hash(first, inner, 64)
    const two = new Int32Array(8)
    again(one, outer, two)
    const sum = two.slice()
    while (--iterations > 0) {
      again(two, inner, one)
      again(one, outer, two)
      for (let i = 0; i < 8; i++) sum[i]! ^= two[i]!
    }
    return bytesOf(sum)
  }
}
