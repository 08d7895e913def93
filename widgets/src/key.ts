import type {Prover} from './ports'
import {withTimeout} from './wait'

/** The time limit for reading the key from storage, in ms. */
const storageTimeout = 1_000

const curve = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}

/** A private key, and the JWT header of the proofs that it signs. */
interface Signer {
  readonly privateKey: CryptoKey
  readonly header: string
}

/**
 * BrowserKey is the browser's key pair. Scripts can't read the private key. The pair is stored for
 * the origin of the page, so that all tabs and page views use the same. Pages over plain HTTP have
 * no WebCrypto, and no key.
 */
export class BrowserKey implements Prover {
  /** Reports whether the key is lost with the page, because it could not be stored. */
  temporary = false
  readonly #name: () => string
  #signer: Promise<Signer | undefined> | undefined

  /** name returns the name of the key in the origin's storage. It is called once. */
  constructor(name: () => string) {
    this.#name = name
  }

  /** Waits until the key is loaded or created. Returns undefined if that is not possible. */
  ready(): Promise<Signer | undefined> {
    return this.#signer ??= this.#make().catch(() => undefined)
  }

  /** Returns the proof (RFC 9449) for one request at the time now (ms). */
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
    const pair = await withTimeout(storageTimeout, undefined, () => loadOrStore(this.#name(), made)).catch(() => {
      this.temporary = true
      return made
    })
    const {kty, crv, x, y} = await crypto.subtle.exportKey('jwk', pair.publicKey)
    return {privateKey: pair.privateKey, header: json({typ: 'dpop+jwt', alg: 'ES256', jwk: {kty, crv, x, y}})}
  }
}

/**
 * Returns the stored key of that name. If there is none, stores the new pair and returns it. It
 * uses one transaction, so that tabs that start simultaneously get the same key.
 */
async function loadOrStore(name: string, made: CryptoKeyPair): Promise<CryptoKeyPair> {
  const open = indexedDB.open('stile')
  open.onupgradeneeded = () => open.result.createObjectStore('keys')
  const db = await resultOf(open)
  const keys = db.transaction('keys', 'readwrite').objectStore('keys')
  db.close() // takes effect at the end of the transaction
  const found: CryptoKeyPair | undefined = await resultOf(keys.get(name))
  if (!found) await resultOf(keys.add(made, name))
  return found ?? made
}

/** Returns the result of a request to IndexedDB. */
function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = event => {
      event.preventDefault() // otherwise it is reported as an error of the page
      reject(request.error)
    }
  })
}

const bytes = (text: string) => new TextEncoder().encode(text)

const json = (value: object) => base64url(JSON.stringify(value))

const text = (buffer: ArrayBuffer) => base64url(String.fromCharCode(...new Uint8Array(buffer)))

/** Encodes a text whose characters are bytes as base64url (RFC 7515 §2). */
function base64url(text: string): string {
  return btoa(text).replace(/=/g, '').replace(/\+/g, '-').replace(/\//g, '_')
}
