/** Computes PBKDF2 with HMAC-SHA-256. Returns the first 32 bytes of the key. */
export type Derive = (password: Uint8Array, salt: Uint8Array, iterations: number) => Uint8Array

/**
 * Returns PBKDF2 in plain JavaScript. Pages without crypto.subtle, which browsers provide only to
 * secure origins, need it. It computes the first block only (RFC 8018, 5.2), because the prefix is
 * compared with 32 bytes. The password must have at most 64 bytes and the salt at most 51, so that
 * each fits into one block of the hash. The server's have 20 and 16.
 *
 * Workers run the source of this function (worker.ts), so it must not use other parts of this
 * module.
 */
export function pbkdf2(): Derive {
  // FIPS 180-4: 32 bits of the fractions of the primes' roots. A double has 50 of them. Computing
  // them takes fewer bytes than a table.
  const fraction = (root: number): number => root % 1 * 2 ** 32 | 0
  const start = new Int32Array(8)
  const constants = new Int32Array(64)
  for (let n = 2, found = 0; found < 64; n++) {
    let divisor = 2
    while (n % divisor) divisor++
    if (divisor < n) continue
    start[found] = fraction(n ** (1 / 2)) // only the first eight are stored
    constants[found++] = fraction(n ** (1 / 3))
  }

  /** The block that is hashed: 16 words, and the 48 that FIPS 180-4 derives from them. */
  const w = new Int32Array(64)

  /** Returns the state after the block in w. */
  const hash = (state: Int32Array): Int32Array => {
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
    return Int32Array.of(state[0]! + a, state[1]! + b, state[2]! + c, state[3]! + d, state[4]! + e, state[5]! + f, state[6]! + g, state[7]! + h)
  }

  return (password, salt, iterations) => {
    const put = (bytes: ArrayLike<number>, mask = 0): void => {
      for (let i = 0; i < 64; i++) w[i >> 2] = w[i >> 2]! << 8 | (bytes[i] ?? 0) ^ mask
    }
    put(password, 0x36)
    const inner = hash(start)
    put(password, 0x5c)
    const outer = hash(start)

    /** Returns the HMAC (RFC 2104) of the length bytes in w, which end with a marker. */
    const mac = (length: number): Int32Array => {
      w[15] = (64 + length) * 8
      next(hash(inner))
      return hash(outer)
    }
    /** Copies a hash to w and pads it, as input of the next hash. */
    const next = (words: Int32Array): void => {
      w.fill(0)
      w.set(words)
      w[8] = 1 << 31
      w[15] = (64 + 32) * 8
    }

    put([...salt, 0, 0, 0, 1, 128])
    let last = mac(salt.length + 4)
    const sum = last.slice()
    while (--iterations > 0) {
      next(last)
      last = mac(32)
      for (let i = 0; i < 8; i++) sum[i]! ^= last[i]!
    }
    return Uint8Array.from({length: 32}, (_, i) => sum[i >> 2]! >>> 24 - i % 4 * 8)
  }
}
