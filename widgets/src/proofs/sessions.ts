import {base64url, bytes} from '../bytes'
import {own} from '../own'
import type {Field} from '../ports'

/**
 * The number of counters that a tab takes at a time. The server refuses a counter that is 64 or
 * more below the highest, so that 16 tabs may open at the same time.
 */
const blockSize = 4

/**
 * The time in ms after which a tab takes new counters. Meanwhile other tabs may have used higher
 * ones.
 */
const blockTime = 5_000

/** The highest counter. */
const maxCounter = 2 ** 32 - 1

/** The time in ms before its end at which a session is no longer used. */
const margin = 10_000

/**
 * The number of sessions whose proofs the server may refuse in one page view. After that, there are
 * none: perhaps a proxy changes parameters, and each call would be sent twice.
 */
const maxRefused = 3

const ecdh = {name: 'ECDH', namedCurve: 'P-256'}

/** A session that was agreed on. No script can read its key. */
export interface Session {
  /** The hash of the token that it is for. */
  readonly ath: string
  readonly ticket: string
  readonly origin: string
  readonly key: CryptoKey
  /** The time by our clock (ms) until which it is used. */
  readonly ends: number
  /** The next counter that no tab has taken. */
  readonly next: number
}

/** Shelf keeps a session. */
export interface Shelf {
  /** Replaces the session by what fn returns, in one step. fn may be called twice. */
  change(fn: (found?: Session) => Session | undefined): Promise<void>
}

/** The counters that this tab has taken. */
interface Block {
  readonly session: Session
  readonly end: number
  readonly until: number
  next: number
}

/** What the server answers to a claim. */
interface Offer {
  readonly ticket: string
  readonly key: string
  readonly counter: number
  readonly expires_in: number
  readonly origin: string
}

interface Offered {
  readonly claim: string
  readonly privateKey: CryptoKey
  readonly point: Uint8Array
}

/**
 * Sessions makes session proofs (docs/security.md, "Session proofs"), and agrees on sessions. All
 * its keys are in WebCrypto, and none can be extracted.
 */
export class Sessions {
  readonly #shelf: Shelf
  #offered: Promise<Offered> | undefined
  #block: Promise<Block | undefined> | undefined
  #left = maxRefused

  constructor(shelf: Shelf) {
    this.#shelf = shelf
  }

  /**
   * Returns the claim that offers a session, or undefined if this browser can't make one. It is the
   * same until a response accepts it.
   */
  async claim(): Promise<string | undefined> {
    if (this.#left <= 0) return undefined
    try {
      return (await (this.#offered ??= offer())).claim
    } catch {
      this.#left = 0
      return undefined
    }
  }

  /**
   * Accepts the session of the response to a request with a proof by the key. The next proof waits
   * for it. If simultaneous requests had the same claim, only one of their sessions is used.
   */
  accept(session: object, token: string, keyProof: string): void {
    const offered = this.#offered, before = this.#block
    if (!offered) return
    this.#block = (async () => {
      const {claim, ...pair} = await offered
      if (claimIn(keyProof) !== claim || this.#offered !== offered) return before
      this.#offered = undefined
      return this.#join(pair, own(session as Offer), token)
    })().catch(() => void (this.#left = 0))
  }

  /** Returns a proof for a request with these fields, or undefined if there is no session. */
  async proof(method: string, url: string, fields: readonly Field[], token: string): Promise<string | undefined> {
    // The server reads a name with brackets as another one.
    if (this.#left <= 0 || fields.some(([name]) => name.includes('['))) return undefined
    try {
      const ath = await hash(token)
      let block = await this.#block
      if (!isUsable(block, base64url(ath))) block = await (this.#block = this.#take(base64url(ath)))
      if (!isUsable(block, base64url(ath))) return undefined
      const counter = String(block.next++)
      const {key, origin, ticket} = block.session
      const mac = await crypto.subtle.sign('HMAC', key, input(method, origin + new URL(url).pathname, counter, ath, ...fields.flat()))
      return `s1.${ticket}.${counter}.${base64url(mac)}`
    } catch {
      return undefined
    }
  }

  /** Ends the session of a proof that was refused. Further refusals of the session don't count. */
  async drop(proof: string): Promise<void> {
    const isOf = (session?: Session) => session && proof.startsWith(`s1.${session.ticket}.`)
    const found = this.#block
    if (isOf((await found)?.session) && this.#block === found) {
      this.#block = undefined
      this.#left--
    }
    await this.#shelf.change(found => isOf(found) ? {...found!, ends: 0} : found)
  }

  async #join({privateKey, point}: Omit<Offered, 'claim'>, {ticket, key, counter, expires_in, origin}: Offer, token: string): Promise<Block | undefined> {
    const {subtle} = crypto
    const salt = await hash(token)
    const theirs = Uint8Array.from(decoded(key), c => c.charCodeAt(0))
    const info = joined([bytes('stile: session proof, 1'), point, theirs])
    const shared = await subtle.deriveKey({name: 'ECDH', public: await subtle.importKey('raw', theirs, ecdh, false, [])}, privateKey, 'HKDF', false, ['deriveKey'])
    const macKey = await subtle.deriveKey({name: 'HKDF', hash: 'SHA-256', salt, info}, shared, {name: 'HMAC', hash: 'SHA-256', length: 256}, false, ['sign'])
    const ath = base64url(salt)
    const ends = Date.now() + expires_in * 1000 - margin
    await this.#shelf.change(found => ({ath, ticket, origin, key: macKey, ends, next: Math.max(counter, found?.ath === ath ? found.next : 0)}))
    return this.#take(ath)
  }

  /** Takes counters of the token's session, if there is one. */
  async #take(ath: string): Promise<Block | undefined> {
    let block: Block | undefined
    await this.#shelf.change(found => {
      block = undefined
      const end = (found?.next ?? 0) + blockSize
      if (!found || found.ath !== ath || found.ends < Date.now() || end > maxCounter) return found
      block = {session: found, next: found.next, end, until: Math.min(Date.now() + blockTime, found.ends)}
      return {...found, next: end}
    })
    return block
  }
}

function isUsable(block: Block | undefined, ath: string): block is Block {
  return !!block && block.session.ath === ath && block.next < block.end && Date.now() <= block.until
}

/** Makes the key pair of an offer. */
async function offer(): Promise<Offered> {
  const {privateKey, publicKey} = await crypto.subtle.generateKey(ecdh, false, ['deriveKey'])
  const point = new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))
  return {claim: base64url(point), privateKey, point}
}

/** Returns the claim in a proof by the key. */
const claimIn = (keyProof: string): unknown => own(JSON.parse(decoded(keyProof.split('.')[1]!)) as {session_key?: unknown}).session_key

/** Decodes base64url to a text whose characters are bytes. */
const decoded = (text: string) => atob(text.replace(/-/g, '+').replace(/_/g, '/'))

const hash = (token: string) => crypto.subtle.digest('SHA-256', bytes(token))

/** Returns the input of a MAC: texts with their lengths before them, and bytes as they are. */
function input(...parts: (string | ArrayBuffer)[]): Uint8Array<ArrayBuffer> {
  return joined(parts.flatMap(part => {
    if (typeof part !== 'string') return [new Uint8Array(part)]
    const utf8 = bytes(part), length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, utf8.length)
    return [length, utf8]
  }))
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
