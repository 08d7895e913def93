/** One token for all, one renewal at a time, and an end to renewing. */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {TransportError} from '../src/errors'
import {Session} from '../src/session'
import {answered, outcome, problem, refused, World} from './world'

const many = (client: Client, n: number) => Promise.all(Array.from({length: n}, (_, i) => outcome(client.get(`/v1/items/${i}`))))

/** A server that takes these tokens alone. */
const takes = (...good: string[]) => ({token}: {token: string}) => good.includes(token) ? answered() : refused('token_expired')

test('calls without a token ask for one, once', async () => {
  const w = new World()
  const calls = many(new Client(w), 20)
  await w.clock.run()
  assert.deepEqual(new Set(await calls), new Set(['data']))
  assert.equal(w.granted, 1)
  assert.deepEqual(w.told, ['token-invalid', 'token-renewed'])
  assert.deepEqual([w.events[0]!.detail.code, w.events[0]!.detail.attempt], ['token_missing', 1])
})

test('a token that dies under many calls is renewed once, and each call is sent again', async () => {
  const w = new World()
  const client = new Client(w)
  w.server = takes('t1')
  await Promise.all([outcome(client.get('/a')), w.clock.run()])
  w.server = takes('t2')
  const calls = many(client, 60)
  await w.clock.run()
  assert.deepEqual(new Set(await calls), new Set(['data']))
  assert.equal(w.granted, 2)
  assert.equal(w.last('token-renewed').code, 'token_expired')
  assert.ok(w.sent.filter(s => s.token === 't1').length <= 1 + 4, 'only what was on its way met the dead token')
})

test('a refusal of an older token says nothing about the present one', async () => {
  const w = new World()
  const client = new Client(w)
  let release = () => {}
  const held = new Promise<void>(resolve => release = resolve)
  w.server = async ({path, token}) => {
    if (path === '/slow' && token === 't1') await held
    return takes('t2')({token})
  }
  const slow = outcome(client.get('/slow')), quick = outcome(client.get('/quick'))
  await w.clock.run()
  assert.equal(await quick, 'data')
  release()
  await w.clock.run()
  assert.equal(await slow, 'data')
  assert.equal(w.granted, 2)
})

test('three renewals with no good call between them stop it, then it rests longer and longer', async () => {
  const w = new World()
  const client = new Client(w)
  w.server = () => refused('token_revoked')
  const call = outcome(client.get('/a'))
  const began = w.clock.now
  await w.clock.run(began + 25_000)
  assert.equal(await call, 'token_revoked')
  assert.equal(w.granted, 3)
  assert.deepEqual(w.events.filter(e => e.type === 'stile:token-invalid').map(e => e.detail.attempt), [1, 2, 3])
  const rests = []
  for (let n = 0; n < 8; n++) {
    const {retryAt} = w.last('token-failed')
    rests.push(Math.round((retryAt - w.clock.now) / 1000))
    assert.equal(await outcome(client.get('/early')), 'token_revoked')
    assert.equal(w.granted, 3 + n, 'nothing is asked for in a rest')
    await w.clock.run(retryAt)
    assert.equal(w.granted, 4 + n, 'after it, once')
    await Promise.all([outcome(client.get('/again')), w.clock.run(retryAt)])
  }
  assert.deepEqual(rests, [5, 60, 120, 240, 480, 600, 600, 600])
})

test('a good call counts renewals anew', async () => {
  const w = new World()
  const client = new Client(w)
  for (let n = 1; n < 10; n++) {
    w.server = takes(`t${n}`)
    const call = outcome(client.get('/a'))
    await w.clock.run()
    assert.equal(await call, 'data')
  }
  assert.ok(w.events.filter(e => e.type === 'stile:token-invalid').every(e => e.detail.attempt === 1))
})

test('what gives tokens may fail twice', async () => {
  const w = new World()
  w.issue = n => { if (n < 3) throw new Error('no'); return {access_token: 'good', expires_in: 86400} }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.deepEqual(w.told, ['token-invalid', 'token-invalid', 'token-invalid', 'token-renewed'])
  assert.equal(w.last('token-renewed').expiresIn, 86400)
})

test('what gives tokens and does not answer in time is not asked again at once', async () => {
  const w = new World()
  w.issue = () => { throw new TransportError('timeout') }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run(w.clock.now)
  assert.equal(await call, 'token_missing')
  assert.equal(w.granted, 1)
  assert.equal(w.last('token-failed').error.code, 'timeout')
})

for (const [what, given] of Object.entries({nothing: undefined, 'an empty text': '', 'an object without one': {}, 'a number': {access_token: 1}}))
  test(`${what} is no token`, async () => {
    const w = new World()
    w.issue = () => given as never
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run(w.clock.now + 10_000)
    assert.equal(await call, 'token_missing')
    assert.equal(w.sent.length, 0)
  })

test('the dead token, given once more, is a failure and not a call', async () => {
  const w = new World()
  w.issue = () => ({access_token: 'same'})
  w.server = () => refused('token_expired')
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run(w.clock.now + 10_000)
  assert.equal(await call, 'token_expired')
  assert.equal(w.sent.length, 1)
})

test('a page that answers the event gives the token, and its token address is not asked', async () => {
  const w = new World()
  w.listener = e => { if (e.type === 'stile:token-invalid') e.detail.respondWith(Promise.resolve('mine')) }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(w.granted, 0)
  assert.deepEqual(w.sent.map(s => s.token), ['mine'])
})

test('where nobody gives tokens, calls end with why, and the page is asked once for all of them', async () => {
  const w = new World()
  w.config.tokenUrl = ''
  const client = new Client(w)
  const calls = many(client, 4)
  await w.clock.run()
  assert.deepEqual(await calls, Array(4).fill('token_missing'))
  assert.equal(await outcome(client.get('/later')), 'token_missing')
  assert.deepEqual(w.told, ['token-invalid'])
  await w.clock.run(w.clock.now + 6_000)
  assert.equal(await outcome(client.get('/much-later')), 'token_missing')
  assert.deepEqual(w.told, ['token-invalid', 'token-invalid'])
})

test('a page that takes the event over hears no message', async () => {
  const w = new World()
  w.listener = e => e.preventDefault()
  const error: any = await new Client(w).get('/a').catch(e => e)
  assert.equal(error.quiet, true)
  assert.equal(w.granted, 0)
})

test('setToken ends a session that is over, and calls go on', async () => {
  const w = new World()
  w.config.tokenUrl = ''
  const client = new Client(w)
  assert.equal(await outcome(client.get('/a')), 'token_missing')
  client.setToken('late')
  assert.equal(w.told.at(-1), 'token-renewed')
  assert.equal(await outcome(client.get('/a')), 'data')
})

test('setToken settles a renewal that hangs, and its signal aborts', async () => {
  const w = new World()
  let signal: AbortSignal | undefined
  w.listener = e => { if (e.type === 'stile:token-invalid') { signal = e.detail.signal; e.detail.respondWith(new Promise(() => {})) } }
  const client = new Client(w)
  const call = outcome(client.get('/a'))
  await w.clock.run()
  assert.equal(signal!.aborted, false)
  client.setToken('mine')
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(signal!.aborted, true)
  assert.deepEqual(w.told, ['token-invalid', 'token-renewed'])
})

test('a listener may set the token while it is told', async () => {
  const w = new World()
  const client = new Client(w)
  w.listener = e => { if (e.type === 'stile:token-invalid') client.setToken('now') }
  const call = outcome(client.get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(w.granted, 0)
  assert.deepEqual(w.told, ['token-invalid', 'token-renewed'])
})

test('a token address that is configured after the session was over is asked at once', async () => {
  const w = new World()
  w.config.tokenUrl = ''
  const client = new Client(w)
  assert.equal(await outcome(client.get('/a')), 'token_missing')
  w.config.tokenUrl = '/token'
  client.configured({tokenUrl: '/token'})
  await w.clock.run(w.clock.now)
  assert.equal(w.told.at(-1), 'token-renewed')
})

test('a listener may set the token when it is told that renewing failed', async () => {
  const w = new World()
  const client = new Client(w)
  w.issue = () => { throw new TransportError('timeout') }
  w.listener = e => { if (e.type === 'stile:token-failed') client.setToken('rescued') }
  const call = outcome(client.get('/a'))
  await w.clock.run(w.clock.now)
  assert.equal(await call, 'data')
  assert.equal(w.told.at(-1), 'token-renewed')
  w.server = takes()
  w.listener = () => {}
  assert.equal(await Promise.all([outcome(client.get('/b')), w.clock.run(w.clock.now)]).then(([ended]) => ended), 'token_expired')
  assert.equal(w.granted, 2, 'it is asked anew, not at rest')
})

test('a rest that was ended early does not end another one', async () => {
  const w = new World()
  w.issue = () => { throw new TransportError('timeout') }
  const client = new Client(w)
  const began = w.clock.now
  await Promise.all([outcome(client.get('/a')), w.clock.run(began)])
  await w.clock.run(began + 20_000)
  client.configured({tokenUrl: '/other'})
  await w.clock.run(began + 79_000)
  assert.equal(w.granted, 2, 'the second rest is 60 s, from 20 s on')
  await w.clock.run(began + 81_000)
  assert.equal(w.granted, 3)
})

test('a session keeps its token when an older one is refused', async () => {
  const w = new World()
  w.config.token = 'mine'
  const session = new Session(w, () => assert.fail('nothing changed'))
  assert.equal(session.current, 'mine')
  session.refused('older', problem('token_expired'))
  assert.equal(session.current, 'mine')
})

test('a tab keeps its token over page views', async () => {
  const w = new World()
  const view = async () => {
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run()
    return call
  }
  assert.equal(await view(), 'data')
  assert.equal(await view(), 'data')
  assert.equal(w.granted, 1)
  w.server = takes('t2')
  assert.equal(await view(), 'data')
  assert.equal(await view(), 'data')
  assert.equal(w.granted, 2)
})

test('a page out of a cache comes with its old token again, and goes on with the one after it', async () => {
  const w = new World()
  const view = async (token: string) => {
    w.config.token = token
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run()
    assert.equal(await call, 'data')
    return w.sent.at(-1)!.token
  }
  w.server = takes('t1', 'new')
  assert.equal(await view('old'), 't1')
  assert.equal(await view('old'), 't1')
  assert.equal(w.sent.filter(s => s.token === 'old').length, 1, 'it was tried once')
  assert.equal(await view('new'), 'new', 'another token of the page\'s is news')
})

test('another tenant\'s token is not used', async () => {
  const w = new World()
  await Promise.all([outcome(new Client(w).get('/a')), w.clock.run()])
  w.config.clientId = 'other'
  await Promise.all([outcome(new Client(w).get('/a')), w.clock.run()])
  assert.equal(w.granted, 2)
})

test('a call that is refused for ever ends, though others are answered', async () => {
  const w = new World()
  w.server = ({path}) => path === '/cursed' ? refused('token_invalid') : answered()
  const client = new Client(w)
  const cursed = outcome(client.get('/cursed'))
  let ended = false
  void cursed.then(() => ended = true)
  for (let n = 0; n < 40 && !ended; n++) {
    const other = outcome(client.get('/other'))
    await w.clock.run()
    assert.equal(await other, 'data')
  }
  assert.equal(await cursed, 'token_invalid')
  assert.ok(w.granted < 12, `${w.granted} tokens were asked for`)
})
