/** Proofs of RFC 9449 by a key of the test's own: a stranger's. */
import {createHash, generateKeyPairSync, randomUUID, sign} from 'node:crypto'

const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Makes a key; what is returned makes proofs by it. */
export function stranger() {
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const header = encode({typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({format: 'jwk'})})
  return (method, url, token) => {
    const ath = createHash('sha256').update(token).digest('base64url')
    const signed = `${header}.${encode({jti: randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ath})}`
    return `${signed}.${sign('sha256', Buffer.from(signed), {key: privateKey, dsaEncoding: 'ieee-p1363'}).toString('base64url')}`
  }
}

/** Sends a form to the API as a program does, and returns what it answers. */
export async function post(url, form) {
  return (await fetch(url, {method: 'POST', body: new URLSearchParams(form)})).json()
}
