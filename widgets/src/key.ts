import {base64url, bytes} from './bytes'
import {changeStored} from './keystore'
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
  /** The claims that each proof has in addition. */
  declare claims?: object | undefined
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
    const ath = base64url(await crypto.subtle.digest('SHA-256', bytes(token)))
    const signed = signer.header + '.' + json({jti: crypto.randomUUID(), htm, htu: origin + pathname, iat: Math.floor(now / 1000), ath, ...this.claims})
    return signed + '.' + base64url(await crypto.subtle.sign(curve, signer.privateKey, bytes(signed)))
  }

  async #make(): Promise<Signer> {
    const made = await crypto.subtle.generateKey(curve, false, ['sign'])
    const pair = await withTimeout(storageTimeout, undefined, () => changeStored<CryptoKeyPair>(this.#name(), found => found ?? made)).catch(() => {
      this.temporary = true
      return made
    })
    const {kty, crv, x, y} = await crypto.subtle.exportKey('jwk', pair.publicKey)
    return {privateKey: pair.privateKey, header: json({typ: 'dpop+jwt', alg: 'ES256', jwk: {kty, crv, x, y}})}
  }
}

const json = (value: object) => base64url(bytes(JSON.stringify(value)))
