/** Session proofs: what they contain, which counters they have, and when there are none. */
import assert from 'node:assert/strict'
import {createECDH, createHash, createHmac, hkdfSync} from 'node:crypto'
import {test, type TestContext} from 'node:test'
import {wrap} from '../src/proofs'
import {Sessions} from '../src/proofs/sessions'
import {shelf} from '../src/proofs/shelf'
import type {Field, Reply, Request} from '../src/ports'
import {Storage, withGlobal, type Failure} from './fake-browser'
import {answered, refused} from './fake-ports'

const name = 'stile:session:https://api.example:acme', url = 'https://127.0.0.1/v1/items/a%2Fb'
const fields: Field[] = [['q', 'grüner Käse\ud800'], ['tag', 'a'], ['tag', 'b'], ['client_id', 'acme'], ['access_token', 't']]

function storage(t: TestContext, failure?: Failure): Storage {
  const storage = new Storage(failure)
  t.after(withGlobal('indexedDB', storage))
  return storage
}

/** The server's side, by Node's crypto: another implementation than the browser's. */
class Server {
  #n = 0
  readonly #keys = new Map<string, Buffer>()

  /** Returns the offer for a claim. */
  offer(claim: string, {token = 't', counter = 1, expires_in = 3600} = {}) {
    const mine = createECDH('prime256v1'), browser = Buffer.from(claim, 'base64url')
    const key = mine.generateKeys(), secret = mine.computeSecret(browser), ticket = `ticket${++this.#n}`
    const info = Buffer.concat([Buffer.from('stile: session proof, 1'), browser, key])
    this.#keys.set(ticket, Buffer.from(hkdfSync('sha256', secret, createHash('sha256').update(token).digest(), info, 32)))
    return {ticket, key: key.toString('base64url'), counter, expires_in, origin: 'https://api.example'}
  }

  /** Checks a proof, and returns its ticket and counter. */
  check(proof: string, method: string, path: string, fields: readonly Field[], token = 't'): [string, number] {
    const [, ticket = '', counter = '', mac] = proof.split('.')
    const part = (text: string) => {
      const utf8 = Buffer.from(text), length = Buffer.alloc(4)
      length.writeUInt32BE(utf8.length)
      return Buffer.concat([length, utf8])
    }
    const input = [part(method), part('https://api.example' + path), part(counter), createHash('sha256').update(token).digest(), ...fields.flat().map(part)]
    assert.equal(mac, createHmac('sha256', this.#keys.get(ticket)!).update(Buffer.concat(input)).digest('base64url'))
    return [ticket, Number(counter)]
  }
}

/** Returns a proof by the key with a claim, as far as sessions read it. */
const keyProof = (claim: string) => `e30.${Buffer.from(JSON.stringify({session_key: claim})).toString('base64url')}.AA`

async function joined(server: Server, sessions = new Sessions(shelf(name)), options = {}): Promise<Sessions> {
  const claim = (await sessions.claim())!
  sessions.accept(server.offer(claim, options), 't', keyProof(claim))
  return sessions
}

const prove = (sessions: Sessions, given = fields, token = 't') => sessions.proof('POST', url, given, token)

test('a proof is what another implementation computes, for each request and counter', async t => {
  storage(t)
  const server = new Server(), sessions = await joined(server)
  for (let n = 1; n <= 40; n++) assert.deepEqual(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields), ['ticket1', n])
  assert.equal(await prove(sessions, fields, 'another token'), undefined)
  assert.equal(await prove(sessions, [['tag[]', 'a'], ...fields]), undefined, 'the server reads tag[] as tag')
})

test('tabs and page views share a session, and no two use the same counter', async t => {
  storage(t)
  const server = new Server()
  await prove(await joined(server))
  const tabs = Array.from({length: 3}, () => new Sessions(shelf(name)))
  const all = await Promise.all(Array.from({length: 60}, (_, n) => prove(tabs[n % 3]!)))
  const used = all.filter(proof => proof !== undefined).map(proof => server.check(proof, 'POST', '/v1/items/a%2Fb', fields)[1])
  assert.ok(used.length === 60)
  assert.equal(new Set(used).size, used.length)
  assert.ok(Math.min(...used) > 1)
})

test('the server accepts the counters of 16 tabs that open at the same time, in any order', async t => {
  storage(t)
  const server = new Server()
  await prove(await joined(server))
  const tabs = Array.from({length: 16}, () => new Sessions(shelf(name)))
  const counters: number[] = []
  for (let call = 0; call < 3; call++)
    for (const tab of tabs) counters.push(server.check((await prove(tab))!, 'POST', '/v1/items/a%2Fb', fields)[1])
  const late = counters.filter((counter, n) => Math.max(...counters.slice(0, n)) - counter >= 64)
  assert.deepEqual(late, [])
})

test('a tab does not use counters that it took long ago', async t => {
  storage(t)
  const server = new Server(), one = await joined(server), other = new Sessions(shelf(name))
  await prove(one)
  for (let n = 0; n < 70; n++) await prove(other)
  const {now} = Date
  t.after(() => Date.now = now)
  Date.now = () => now() + 6_000
  const [, counter] = server.check((await prove(one))!, 'POST', '/v1/items/a%2Fb', fields)
  assert.ok(counter > 70)
  Date.now = () => now() + 3_595_000
  assert.equal(await prove(one), undefined, 'the session has ended')
})

test('simultaneous requests take one block of counters', async t => {
  const {records} = storage(t)
  const server = new Server(), sessions = await joined(server)
  await prove(sessions)
  const {now} = Date
  t.after(() => Date.now = now)
  Date.now = () => now() + 6_000
  const all = await Promise.all(Array.from({length: 4}, () => prove(sessions)))
  const used = all.map(proof => server.check(proof!, 'POST', '/v1/items/a%2Fb', fields)[1])
  assert.deepEqual(used.sort((a, b) => a - b), [5, 6, 7, 8])
  assert.equal(records.get(name).next, 9)
})

test('a session continues the counters of the one before', async t => {
  storage(t)
  const server = new Server(), sessions = await joined(server)
  await prove(sessions)
  await joined(server, sessions, {counter: 2})
  assert.deepEqual(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields), ['ticket2', 5], 'a tab may still use up to 4')
  await joined(server, sessions, {counter: 900})
  assert.deepEqual(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields), ['ticket3', 900])
})

test('the session of a response belongs to the claim of its own request', async t => {
  storage(t)
  const server = new Server(), sessions = new Sessions(shelf(name))
  const first = (await sessions.claim())!, [a, b] = [server.offer(first), server.offer(first)]
  sessions.accept(a, 't', keyProof(first))
  await prove(sessions)
  const second = (await sessions.claim())!
  assert.notEqual(second, first)
  sessions.accept(b, 't', keyProof(first)) // a late response
  assert.deepEqual(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields), ['ticket1', 2])
  sessions.accept(server.offer(second), 't', keyProof(second))
  assert.equal(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields)[0], 'ticket3')
})

test('no key of a session can be exported', async t => {
  const {records} = storage(t)
  await prove(await joined(new Server()))
  const {key} = records.get(name) as {key: CryptoKey}
  assert.equal(key.extractable, false)
  await assert.rejects(crypto.subtle.exportKey('raw', key))
})

for (const failure of ['throws', 'refuses', 'clones nothing', 'is another’s'] as const)
  test(`if the storage ${failure}, the session is this page's`, async t => {
    storage(t, failure)
    const server = new Server(), sessions = await joined(server)
    for (let n = 1; n < 20; n++) assert.deepEqual(server.check((await prove(sessions))!, 'POST', '/v1/items/a%2Fb', fields), ['ticket1', n])
  })

test('without WebCrypto, or with an offer that is malformed, there is no session and no error', async t => {
  storage(t)
  const sessions = new Sessions(shelf(name))
  sessions.accept({ticket: 'x', key: 'not a key', counter: 1, expires_in: 3600, origin: ''}, 't', keyProof((await sessions.claim())!))
  assert.equal(await prove(sessions), undefined)
  assert.equal(await sessions.claim(), undefined)
  t.after(withGlobal('crypto', {getRandomValues: () => {}}))
  const none = new Sessions(shelf(name))
  assert.equal(await none.claim(), undefined)
  assert.equal(await prove(none), undefined)
})

const isByKey = (proof: string) => proof.startsWith('e30.')

/** Ports whose server refuses some proofs, and the proofs that it got. */
function wrapped(answer: (proof: string, claims: any) => Reply) {
  const sent: string[] = []
  const prover = {
    claims: undefined as object | undefined,
    proof: async () => keyProof(String((prover.claims as any)?.session_key)),
  }
  const ports = {
    config: {api: 'https://api.example', clientId: 'acme'} as any,
    prover,
    send: async ({prove}: Request): Promise<Reply> => {
      const proof = (await prove('POST', url))!
      sent.push(isByKey(proof) ? 'dpop' : 's1')
      return answer(proof, prover.claims)
    },
  }
  wrap(ports)
  return {sent, call: () => ports.send({path: '/v1/items', fields, prove: () => prover.proof()} as Request)}
}

test('a response with an offer starts a session, and the page does not see the offer', async t => {
  storage(t)
  const server = new Server()
  const w = wrapped((proof, claims) => isByKey(proof) ? {data: 'data', meta: {total: 1, session: server.offer(claims.session_key)}} : answered())
  assert.deepEqual(await w.call(), {data: 'data', meta: {total: 1}})
  for (let n = 0; n < 3; n++) await w.call()
  assert.deepEqual(w.sent, ['dpop', 's1', 's1', 's1'])
})

test('a refused session proof costs one request; after three, there are no more sessions', async t => {
  storage(t)
  const server = new Server()
  const w = wrapped((proof, claims) => isByKey(proof) ? {data: 'data', meta: claims ? {session: server.offer(claims.session_key)} : {}} : refused('proof_invalid', {now: 1}))
  for (let n = 0; n < 6; n++) assert.equal((await w.call() as {data: unknown}).data, 'data')
  assert.deepEqual(w.sent, ['dpop', 's1', 'dpop', 's1', 'dpop', 's1', 'dpop', 'dpop', 'dpop'])
})

test('simultaneous refusals of one session count once', async t => {
  storage(t)
  const server = new Server()
  const w = wrapped(proof => {
    if (isByKey(proof)) return {data: 'data', meta: {session: server.offer(JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString()).session_key)}}
    return proof.startsWith('s1.ticket1.') ? refused('proof_invalid', {now: 1}) : answered()
  })
  await w.call()
  await Promise.all(Array.from({length: 4}, () => w.call()))
  await w.call()
  assert.deepEqual(w.sent, ['dpop', 's1', 's1', 's1', 's1', 'dpop', 'dpop', 'dpop', 'dpop', 's1'])
})

test('other refusals of a call with a session proof are not repeated', async t => {
  storage(t)
  const server = new Server()
  const w = wrapped((proof, claims) => isByKey(proof) ? {data: 'data', meta: {session: server.offer(claims.session_key)}} : refused('not_found'))
  await w.call()
  assert.equal((await w.call() as {error: {code: string}}).error.code, 'not_found')
  assert.deepEqual(w.sent, ['dpop', 's1'])
})
