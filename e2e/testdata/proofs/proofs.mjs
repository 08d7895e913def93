// Reads {get, post: {method, url, token}} from standard input. Writes the proofs that three packages
// make for these requests, and invalid ones: each is made with jose, and wrong in one respect.
import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import * as dpop from 'dpop'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'

const { get, post } = JSON.parse(readFileSync(0, 'utf8'))
const ath = (token) => createHash('sha256').update(token).digest('base64url')
const claims = (r) => ({ jti: crypto.randomUUID(), htm: r.method, htu: r.url, ath: ath(r.token), iat: Math.floor(Date.now() / 1000) })
const header = async (alg, key) => ({ typ: 'dpop+jwt', alg, jwk: await jose.exportJWK(key.publicKey) })
const sign = (header, claims, key) => new jose.SignJWT(claims).setProtectedHeader(header).sign(key)

async function byDpop(alg, r) {
  const key = await dpop.generateKeyPair(alg)
  return dpop.generateProof(key, r.url, r.method, undefined, r.token)
}

async function byJose(alg, r) {
  const key = await jose.generateKeyPair(alg, { extractable: true })
  return sign(await header(alg, key), claims(r), key.privateKey)
}

async function byOauth(alg, r) {
  let proof
  const key = await oauth.generateKeyPair(alg)
  const capture = async (_, init) => ((proof = new Headers(init.headers).get('dpop')), new Response('{}'))
  await oauth.protectedResourceRequest(r.token, r.method, new URL(r.url), undefined, undefined, {
    DPoP: oauth.DPoP({ client_id: 'acme' }, key), [oauth.customFetch]: capture, [oauth.allowInsecureRequests]: true,
  })
  return proof
}

const valid = []
for (const [name, make, algs] of [['dpop', byDpop, ['ES256', 'Ed25519']], ['jose', byJose, ['ES256', 'EdDSA']], ['oauth4webapi', byOauth, ['ES256', 'Ed25519']]]) {
  for (const alg of algs) {
    for (const r of [get, post]) valid.push({ what: `${name}, ${alg}`, method: r.method, proof: await make(alg, r) })
  }
}

const own = await jose.generateKeyPair('ES256', { extractable: true })
const other = await jose.generateKeyPair('ES256', { extractable: true })
const rsa = await jose.generateKeyPair('RS256', { extractable: true })
const h = await header('ES256', own)
const invalid = []
async function makeInvalid(what, { head = h, change = {}, key = own.privateKey, edit = (proof) => proof }) {
  invalid.push({ what, method: get.method, proof: edit(await sign(head, { ...claims(get), ...change }, key)) })
}
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
await makeInvalid('another method', { change: { htm: 'POST' } })
await makeInvalid('another path', { change: { htu: get.url + '/x' } })
await makeInvalid('another host', { change: { htu: 'https://evil.example/v1/items' } })
await makeInvalid('too old', { change: { iat: claims(get).iat - 70 } })
await makeInvalid('from the future', { change: { iat: claims(get).iat + 70 } })
await makeInvalid('another token', { change: { ath: ath('another') } })
await makeInvalid('no ath', { change: { ath: undefined } })
await makeInvalid('no jti', { change: { jti: undefined } })
await makeInvalid('no iat', { change: { iat: undefined } })
await makeInvalid('another typ', { head: { ...h, typ: 'JWT' } })
await makeInvalid('another key in the header', { head: { ...h, jwk: await jose.exportJWK(other.publicKey) } })
await makeInvalid('a private key in the header', { head: { ...h, jwk: await jose.exportJWK(own.privateKey) } })
await makeInvalid('no key in the header', { head: { typ: h.typ, alg: h.alg } })
await makeInvalid('RSA', { head: await header('RS256', rsa), key: rsa.privateKey })
await makeInvalid('a shared secret', { head: { ...h, alg: 'HS256' }, key: new TextEncoder().encode(JSON.stringify(h.jwk).padEnd(32)) })
await makeInvalid('alg none', { edit: (proof) => `${part({ ...h, alg: 'none' })}.${proof.split('.')[1]}.` })
await makeInvalid('no signature', { edit: (proof) => proof.slice(0, proof.lastIndexOf('.')) })
await makeInvalid('a changed claim', { edit: (proof) => `${proof.split('.')[0]}.${part(claims(get))}.${proof.split('.')[2]}` })
await makeInvalid('a line break in it', { edit: (proof) => `${proof.slice(0, -4)}\n${proof.slice(-4)}` })

console.log(JSON.stringify({ valid, invalid }))
