/** The browser's key: the contents of its proofs, and where it is stored. */
import assert from 'node:assert/strict'
import {test, type TestContext} from 'node:test'
import {BrowserKey} from '../src/key'
import {Storage, withGlobal, type Failure} from './fake-browser'

const url = 'https://api.example/v1/items?q=cake#top'

function storage(t: TestContext, failure?: Failure): Storage {
  const storage = new Storage(failure)
  t.after(withGlobal('indexedDB', storage))
  return storage
}

const key = (name = 'stile:https://api.example:acme') => new BrowserKey(() => name)

const parse = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())

async function parts(proof: Promise<string | undefined>) {
  const [header = '', claims = '', signature = ''] = (await proof)!.split('.')
  return {header: parse(header), claims: parse(claims), signed: `${header}.${claims}`, signature: Buffer.from(signature, 'base64url')}
}

/** Returns the public key in a proof. */
const named = async (key: BrowserKey) => (await parts(key.proof('POST', url, 't', 0))).header.jwk

test('a proof has the contents that RFC 9449 requires, and is signed by the key in it', async t => {
  storage(t)
  // The token and its hash are from RFC 9449, section 7.1.
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

test('each proof has another jti and the same key', async t => {
  storage(t)
  const one = key()
  const all = await Promise.all(Array.from({length: 100}, () => parts(one.proof('GET', url, 't', 0))))
  assert.equal(new Set(all.map(({claims}) => claims.jti)).size, 100)
  assert.equal(new Set(all.map(({header}) => header.jwk.x)).size, 1)
})

test('the private key can not be exported', async t => {
  const {records} = storage(t)
  await key().ready()
  const [stored] = [...records.values()] as CryptoKeyPair[]
  assert.equal(stored!.privateKey.extractable, false)
  for (const format of ['jwk', 'pkcs8'] as const) await assert.rejects(crypto.subtle.exportKey(format, stored!.privateKey))
})

test('page views and tabs share one key, even if they start simultaneously; other tenants have others', async t => {
  const {records} = storage(t)
  const atOnce = await Promise.all(Array.from({length: 5}, () => named(key())))
  const later = await named(key())
  assert.deepEqual(new Set([...atOnce, later].map(jwk => jwk.x)).size, 1)
  assert.notEqual((await named(key('stile:https://api.example:other'))).x, later.x)
  assert.deepEqual([...records.keys()], ['stile:https://api.example:acme', 'stile:https://api.example:other'])
})

for (const failure of ['throws', 'refuses', 'hangs', 'clones nothing', 'is another’s'] as const)
  test(`if the storage ${failure}, there is a key for this page`, async t => {
    const there = storage(t, failure)
    const one = key()
    assert.equal((await named(one)).x, (await named(one)).x)
    assert.ok(one.temporary)
    assert.equal(there.shown, 0, 'no error is reported to the page')
  })

test('a stored key is used by the next page, and the storage is not changed', async t => {
  const there = storage(t)
  const one = key()
  await one.ready()
  assert.equal(one.temporary, false)
  assert.equal(there.connections, 0)
})

test('without WebCrypto there are no proofs, and no error', async t => {
  storage(t)
  t.after(withGlobal('crypto', {getRandomValues: () => {}}))
  const one = key()
  await one.ready()
  assert.equal(await one.proof('POST', url, 't', 0), undefined)
  assert.equal(one.temporary, false, 'an address-bound token lasts as long as the tab')
})
