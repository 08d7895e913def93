/** PBKDF2 with HMAC-SHA-256: the first 32 bytes of the key. */
export type Derive = (password: Uint8Array, salt: Uint8Array, iterations: number) => Uint8Array

/**
 * PBKDF2 in plain JavaScript, for pages without crypto.subtle: browsers give
 * that to secure origins alone. It makes the first block (RFC 8018, 5.2), and
 * 32 bytes are all that a prefix is compared with. A password of at most 64
 * bytes and a salt of at most 51 fit into a block of the hash each; the
 * server's have 20 and 16.
 *
 * A Worker is given the source of this function (worker.ts), so it uses
 * nothing of this module's.
 */
export function pbkdf2(): Derive {
  // FIPS 180-4: 32 bits of the fractions of the primes' roots. A double has 50
  // of them, so they are computed, which is shorter than to write them down.
  const fraction = (root: number): number => root % 1 * 2 ** 32 | 0
  const start = new Int32Array(8)
  const constants = new Int32Array(64)
  for (let n = 2, found = 0; found < 64; n++) {
    let divisor = 2
    while (n % divisor) divisor++
    if (divisor < n) continue
    start[found] = fraction(n ** (1 / 2)) // beyond the eighth it is dropped
    constants[found++] = fraction(n ** (1 / 3))
  }

  /** The block that is hashed: 16 words, and what FIPS 180-4 makes of them. */
  const w = new Int32Array(64)

  /** The state after the block in w. */
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

    /** HMAC (RFC 2104) of so many bytes, which stand in w with their end marked. */
    const mac = (length: number): Int32Array => {
      w[15] = (64 + length) * 8
      next(hash(inner))
      return hash(outer)
    }
    /** Puts a hash into w as it is hashed in its turn. */
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
