import type {Prover} from './ports'
import {within} from './wait'

/** Milliseconds that storage has to give the key. */
const patience = 1_000

const curve = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}

/** What signs, and the header of all that it signs. */
interface Signer {
  readonly privateKey: CryptoKey
  readonly header: string
}

/**
 * The browser's key: a pair of which no script can read the private part, kept
 * for the page's origin, so that its tabs and its page views have the same. A
 * page that comes over plain http has no WebCrypto, and no key.
 */
export class BrowserKey implements Prover {
  /** Whether the key ends with the page, since storage refused it. */
  fleeting = false
  readonly #name: () => string
  #signer: Promise<Signer | undefined> | undefined

  /** name is asked for once: which of the origin's keys it is. */
  constructor(name: () => string) {
    this.#name = name
  }

  /** Waits until it is known which key there is, if there is any. */
  ready(): Promise<Signer | undefined> {
    return this.#signer ??= this.#make().catch(() => undefined)
  }

  /** A proof of RFC 9449 for one request. */
  async proof(htm: string, url: string, token: string, now: number): Promise<string | undefined> {
    const signer = await this.ready()
    if (!signer) return undefined
    const {origin, pathname} = new URL(url)
    const ath = text(await crypto.subtle.digest('SHA-256', bytes(token)))
    const signed = signer.header + '.' + json({jti: crypto.randomUUID(), htm, htu: origin + pathname, iat: Math.floor(now / 1000), ath})
    return signed + '.' + text(await crypto.subtle.sign(curve, signer.privateKey, bytes(signed)))
  }

  async #make(): Promise<Signer> {
    const made = await crypto.subtle.generateKey(curve, false, ['sign'])
    const pair = await within(patience, undefined, () => kept(this.#name(), made)).catch(() => {
      this.fleeting = true
      return made
    })
    const {kty, crv, x, y} = await crypto.subtle.exportKey('jwk', pair.publicKey)
    return {privateKey: pair.privateKey, header: json({typ: 'dpop+jwt', alg: 'ES256', jwk: {kty, crv, x, y}})}
  }
}

/**
 * The key that is kept under the name; if there is none, the one made. One
 * transaction looks and keeps, so that tabs at the same time have the same.
 */
async function kept(name: string, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  const open = indexedDB.open('stile')
  open.onupgradeneeded = () => open.result.createObjectStore('keys')
  const db = await done(open)
  const keys = db.transaction('keys', 'readwrite').objectStore('keys')
  db.close() // when that has ended, which it does when nothing more is asked of it
  const found: CryptoKeyPair | undefined = await done(keys.get(name))
  if (!found) await done(keys.add(made, name))
  return found ?? made
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = event => {
      event.preventDefault() // or it is an error of the page's
      reject(request.error)
    }
  })
}

const bytes = (text: string) => new TextEncoder().encode(text)

const json = (value: object) => base64url(JSON.stringify(value))

const text = (buffer: ArrayBuffer) => base64url(String.fromCharCode(...new Uint8Array(buffer)))

/** base64url (RFC 7515 §2) of a text whose characters are bytes. */
function base64url(text: string): string {
  return btoa(text).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_')
}
