// Reads {get, post: {method, url, token}} from standard input, and writes the
// proofs that three packages make for them, and bad ones: each is jose's, with
// one thing wrong.
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

const good = []
for (const [maker, make, algs] of [['dpop', byDpop, ['ES256', 'Ed25519']], ['jose', byJose, ['ES256', 'EdDSA']], ['oauth4webapi', byOauth, ['ES256', 'Ed25519']]]) {
  for (const alg of algs) {
    for (const r of [get, post]) good.push({ what: `${maker}, ${alg}`, method: r.method, proof: await make(alg, r) })
  }
}

const mine = await jose.generateKeyPair('ES256', { extractable: true })
const other = await jose.generateKeyPair('ES256', { extractable: true })
const rsa = await jose.generateKeyPair('RS256', { extractable: true })
const h = await header('ES256', mine)
const bad = []
async function wrong(what, { head = h, change = {}, key = mine.privateKey, edit = (proof) => proof }) {
  bad.push({ what, method: get.method, proof: edit(await sign(head, { ...claims(get), ...change }, key)) })
}
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
await wrong('another method', { change: { htm: 'POST' } })
await wrong('another path', { change: { htu: get.url + '/x' } })
await wrong('another host', { change: { htu: 'https://evil.example/v1/items' } })
await wrong('too old', { change: { iat: claims(get).iat - 70 } })
await wrong('from the future', { change: { iat: claims(get).iat + 70 } })
await wrong('another token', { change: { ath: ath('another') } })
await wrong('no ath', { change: { ath: undefined } })
await wrong('no jti', { change: { jti: undefined } })
await wrong('no iat', { change: { iat: undefined } })
await wrong('another typ', { head: { ...h, typ: 'JWT' } })
await wrong('another key in the header', { head: { ...h, jwk: await jose.exportJWK(other.publicKey) } })
await wrong('a private key in the header', { head: { ...h, jwk: await jose.exportJWK(mine.privateKey) } })
await wrong('no key in the header', { head: { typ: h.typ, alg: h.alg } })
await wrong('RSA', { head: await header('RS256', rsa), key: rsa.privateKey })
await wrong('a shared secret', { head: { ...h, alg: 'HS256' }, key: new TextEncoder().encode(JSON.stringify(h.jwk).padEnd(32)) })
await wrong('alg none', { edit: (proof) => `${part({ ...h, alg: 'none' })}.${proof.split('.')[1]}.` })
await wrong('no signature', { edit: (proof) => proof.slice(0, proof.lastIndexOf('.')) })
await wrong('a changed claim', { edit: (proof) => `${proof.split('.')[0]}.${part(claims(get))}.${proof.split('.')[2]}` })
await wrong('a line break in it', { edit: (proof) => `${proof.slice(0, -4)}\n${proof.slice(-4)}` })

console.log(JSON.stringify({ good, bad }))
