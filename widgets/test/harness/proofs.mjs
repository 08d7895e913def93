/** Proofs (RFC 9449) with another key: one of the test itself. */
import {createHash, generateKeyPairSync, randomUUID, sign} from 'node:crypto'

const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Makes a key. Returns a function that makes proofs with it. */
export function stranger() {
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const header = encode({typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({format: 'jwk'})})
  return (method, url, token) => {
    const ath = createHash('sha256').update(token).digest('base64url')
    const signed = `${header}.${encode({jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ath})}`
    return `${signed}.${sign('sha256', Buffer.from(signed), {key: privateKey, dsaEncoding: 'ieee-p1363'}).toString('base64url')}`
  }
}

/** Sends a form to the API, like a program, and returns the JSON of the response. */
export async function post(url, form) {
  return (await fetch(url, {method: 'POST', body: new URLSearchParams(form)})).json()
}
