/** The browser's key: what its proofs say, and where it is kept. */
import assert from 'node:assert/strict'
import {test, type TestContext} from 'node:test'
import {BrowserKey} from '../src/key'
import {Storage, withGlobal, type Illness} from './key-world'

const url = 'https://api.example/v1/items?q=cake#top'

function storage(t: TestContext, illness?: Illness): Storage {
  const storage = new Storage(illness)
  t.after(withGlobal('indexedDB', storage))
  return storage
}

const key = (name = 'stile:https://api.example:acme') => new BrowserKey(() => name)

const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

async function parts(proof: Promise<string | undefined>) {
  const [header = '', claims = '', signature = ''] = (await proof)!.split('.')
  return {header: parse(header), claims: parse(claims), signed: `${header}.${claims}`, signature: Buffer.from(signature, 'base64url')}
}

/** The public key that a proof names. */
const named = async (key: BrowserKey) => (await parts(key.proof('POST', url, 't', 0))).header.jwk

test('a proof says what RFC 9449 asks for, and is signed by the key that it names', async t => {
  storage(t)
  // The token and its hash are those of RFC 9449, section 7.1.
  const {header, claims, signed, signature} = await parts(key().proof('POST', url, 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU', 1_700_000_000_999))
  const {jwk, ...rest} = header
  assert.deepEqual(rest, {typ: 'dpop+jwt', alg: 'ES256'})
  assert.deepEqual(Object.keys(jwk).sort(), ['crv', 'kty', 'x', 'y'], 'nothing of the private part')
  const {jti, ...said} = claims
  assert.deepEqual(said, {htm: 'POST', htu: 'https://api.example/v1/items', iat: 1_700_000_000, ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo'})
  assert.match(jti, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const ecdsa = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'}
  const shown = await crypto.subtle.importKey('jwk', jwk, ecdsa, true, ['verify'])
  assert.ok(await crypto.subtle.verify(ecdsa, shown, signature, Buffer.from(signed)))
})

test('no two proofs have the same jti, and all have one key', async t => {
  storage(t)
  const one = key()
  const all = await Promise.all(Array.from({length: 100}, () => parts(one.proof('GET', url, 't', 0))))
  assert.equal(new Set(all.map(({claims}) => claims.jti)).size, 100)
  assert.equal(new Set(all.map(({header}) => header.jwk.x)).size, 1)
})

test('the private part can not be read', async t => {
  const {records} = storage(t)
  await key().ready()
  const [kept] = [...records.values()] as CryptoKeyPair[]
  assert.equal(kept!.privateKey.extractable, false)
  for (const format of ['jwk', 'pkcs8'] as const) await assert.rejects(crypto.subtle.exportKey(format, kept!.privateKey))
})

test('page views and tabs have one key, those that begin at once too; other tenants have others', async t => {
  const {records} = storage(t)
  const atOnce = await Promise.all(Array.from({length: 5}, () => named(key())))
  const later = await named(key())
  assert.deepEqual(new Set([...atOnce, later].map(jwk => jwk.x)).size, 1)
  assert.notEqual((await named(key('stile:https://api.example:other'))).x, later.x)
  assert.deepEqual([...records.keys()], ['stile:https://api.example:acme', 'stile:https://api.example:other'])
})

for (const illness of ['throws', 'refuses', 'hangs', 'clones nothing', 'is another’s'] as const)
  test(`where storage ${illness}, there is a key for the page`, async t => {
    const there = storage(t, illness)
    const one = key()
    assert.equal((await named(one)).x, (await named(one)).x)
    assert.ok(one.fleeting)
    assert.equal(there.shown, 0, 'the page sees no error of ours')
  })

test('a key that is kept does not end with the page, and the storage is left alone', async t => {
  const there = storage(t)
  const one = key()
  await one.ready()
  assert.equal(one.fleeting, false)
  assert.equal(there.connections, 0)
})

test('where there is no WebCrypto, there are no proofs, and no error', async t => {
  storage(t)
  t.after(withGlobal('crypto', {getRandomValues: () => {}}))
  const one = key()
  await one.ready()
  assert.equal(await one.proof('POST', url, 't', 0), undefined)
  assert.equal(one.fleeting, false, 'what is bound to an address lasts as long as the tab')
})
