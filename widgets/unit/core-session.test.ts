/** All calls share one token. Renewals happen one at a time, and are limited. */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {endpointProblem, StileError, TransportError} from '../src/errors'
import {Session} from '../src/session'
import {answered, outcome, problem, refused, FakePorts} from './fake-ports'

const many = (client: Client, n: number) => Promise.all(Array.from({length: n}, (_, i) => outcome(client.get(`/v1/items/${i}`))))

/** Returns a server that only accepts these tokens. */
const accepts = (...good: string[]) => ({token}: {token: string}) => good.includes(token) ? answered() : refused('token_expired')

test('calls without a token request one, once', async () => {
  const w = new FakePorts()
  const calls = many(new Client(w), 20)
  await w.clock.run()
  assert.deepEqual(new Set(await calls), new Set(['data']))
  assert.equal(w.tokenRequests, 1)
  assert.deepEqual(w.eventNames, ['token-invalid', 'token-renewed'])
  assert.deepEqual([w.events[0]!.detail.code, w.events[0]!.detail.attempt], ['token_missing', 1])
})

test('a token that dies during many calls is renewed once, and each call is sent again', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  w.server = accepts('t1')
  await Promise.all([outcome(client.get('/a')), w.clock.run()])
  w.server = accepts('t2')
  const calls = many(client, 60)
  await w.clock.run()
  assert.deepEqual(new Set(await calls), new Set(['data']))
  assert.equal(w.tokenRequests, 2)
  assert.equal(w.last('token-renewed').code, 'token_expired')
  assert.ok(w.sent.filter(s => s.token === 't1').length <= 1 + 4, 'only calls under way used the dead token')
})

test('a refusal of an older token does not affect the current one', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  let release = () => {}
  const held = new Promise<void>(resolve => release = resolve)
  w.server = async ({path, token}) => {
    if (path === '/slow' && token === 't1') await held
    return accepts('t2')({token})
  }
  const slow = outcome(client.get('/slow')), quick = outcome(client.get('/quick'))
  await w.clock.run()
  assert.equal(await quick, 'data')
  release()
  await w.clock.run()
  assert.equal(await slow, 'data')
  assert.equal(w.tokenRequests, 2)
})

test('after three renewals without an admitted call, the pauses become longer', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  w.server = () => refused('token_revoked')
  const call = outcome(client.get('/a'))
  const began = w.clock.now
  await w.clock.run(began + 25_000)
  assert.equal(await call, 'token_revoked')
  assert.equal(w.tokenRequests, 3)
  assert.deepEqual(w.events.filter(e => e.type === 'stile:token-invalid').map(e => e.detail.attempt), [1, 2, 3])
  const pauses = []
  for (let n = 0; n < 8; n++) {
    const {retryAt} = w.last('token-failed')
    pauses.push(Math.round((retryAt - w.clock.now) / 1000))
    assert.equal(await outcome(client.get('/early')), 'token_revoked')
    assert.equal(w.tokenRequests, 3 + n, 'no request during a pause')
    await w.clock.run(retryAt)
    assert.equal(w.tokenRequests, 4 + n, 'one request after it')
    await Promise.all([outcome(client.get('/again')), w.clock.run(retryAt)])
  }
  assert.deepEqual(pauses, [5, 60, 120, 240, 480, 600, 600, 600])
})

test('an admitted call resets the count of renewals', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  for (let n = 1; n < 10; n++) {
    w.server = accepts(`t${n}`)
    const call = outcome(client.get('/a'))
    await w.clock.run()
    assert.equal(await call, 'data')
  }
  assert.ok(w.events.filter(e => e.type === 'stile:token-invalid').every(e => e.detail.attempt === 1))
})

test('two failed requests for a token are retried', async () => {
  const w = new FakePorts()
  w.issue = n => { if (n < 3) throw new Error('no'); return {access_token: 'good', expires_in: 86400} }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.deepEqual(w.eventNames, ['token-invalid', 'token-invalid', 'token-invalid', 'token-renewed'])
  assert.equal(w.last('token-renewed').expiresIn, 86400)
})

test('a request for a token that times out is not retried immediately', async () => {
  const w = new FakePorts()
  w.issue = () => { throw new TransportError('timeout') }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run(w.clock.now)
  assert.equal(await call, 'token_endpoint')
  assert.equal(w.tokenRequests, 1)
  const {code, status, detail} = w.last('token-failed').error
  assert.deepEqual([code, status, detail], ['token_endpoint', 0, 'timeout'])
})

for (const [what, given] of Object.entries({nothing: undefined, 'an empty text': '', 'an object without one': {}, 'a number': {access_token: 1}}))
  test(`${what} is not a token`, async () => {
    const w = new FakePorts()
    w.issue = () => given as never
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run(w.clock.now + 10_000)
    assert.equal(await call, 'token_endpoint')
    assert.equal(w.sent.length, 0)
  })

test('if the dead token is supplied again, the call fails and is not sent', async () => {
  const w = new FakePorts()
  w.issue = () => ({access_token: 'same'})
  w.server = () => refused('token_expired')
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run(w.clock.now + 10_000)
  assert.equal(await call, 'token_endpoint')
  assert.match(w.last('token-failed').error.detail, /no new token/)
  assert.equal(w.sent.length, 1)
})

test('if the page answers the event, its token URL is not requested', async () => {
  const w = new FakePorts()
  w.listener = e => { if (e.type === 'stile:token-invalid') e.detail.respondWith(Promise.resolve('mine')) }
  const call = outcome(new Client(w).get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(w.tokenRequests, 0)
  assert.deepEqual(w.sent.map(s => s.token), ['mine'])
})

test('if there is no source of tokens, calls fail, and one event is dispatched for all', async () => {
  const w = new FakePorts()
  w.config.tokenUrl = ''
  const client = new Client(w)
  const calls = many(client, 4)
  await w.clock.run()
  assert.deepEqual(await calls, Array(4).fill('token_missing'))
  assert.equal(await outcome(client.get('/later')), 'token_missing')
  assert.deepEqual(w.eventNames, ['token-invalid'])
  await w.clock.run(w.clock.now + 6_000)
  assert.equal(await outcome(client.get('/much-later')), 'token_missing')
  assert.deepEqual(w.eventNames, ['token-invalid', 'token-invalid'])
})

test('if the page prevents the event, no message is shown', async () => {
  const w = new FakePorts()
  w.listener = e => e.preventDefault()
  const error: any = await new Client(w).get('/a').catch(e => e)
  assert.equal(error.quiet, true)
  assert.equal(w.tokenRequests, 0)
})

test('setToken restores a failed session, and calls continue', async () => {
  const w = new FakePorts()
  w.config.tokenUrl = ''
  const client = new Client(w)
  assert.equal(await outcome(client.get('/a')), 'token_missing')
  client.setToken('late')
  assert.equal(w.eventNames.at(-1), 'token-renewed')
  assert.equal(await outcome(client.get('/a')), 'data')
})

test('setToken ends a pending renewal, and aborts its signal', async () => {
  const w = new FakePorts()
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
  assert.deepEqual(w.eventNames, ['token-invalid', 'token-renewed'])
})

test('a listener may set the token during the event', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  w.listener = e => { if (e.type === 'stile:token-invalid') client.setToken('now') }
  const call = outcome(client.get('/a'))
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(w.tokenRequests, 0)
  assert.deepEqual(w.eventNames, ['token-invalid', 'token-renewed'])
})

test('a token URL that is configured after a failure is requested immediately', async () => {
  const w = new FakePorts()
  w.config.tokenUrl = ''
  const client = new Client(w)
  assert.equal(await outcome(client.get('/a')), 'token_missing')
  w.config.tokenUrl = '/token'
  client.configured({tokenUrl: '/token'})
  await w.clock.run(w.clock.now)
  assert.equal(w.eventNames.at(-1), 'token-renewed')
})

test('a listener may set the token when a renewal has failed', async () => {
  const w = new FakePorts()
  const client = new Client(w)
  w.issue = () => { throw new TransportError('timeout') }
  w.listener = e => { if (e.type === 'stile:token-failed') client.setToken('rescued') }
  const call = outcome(client.get('/a'))
  await w.clock.run(w.clock.now)
  assert.equal(await call, 'data')
  assert.equal(w.eventNames.at(-1), 'token-renewed')
  w.server = accepts()
  w.listener = () => {}
  assert.equal(await Promise.all([outcome(client.get('/b')), w.clock.run(w.clock.now)]).then(([ended]) => ended), 'token_endpoint')
  assert.equal(w.tokenRequests, 2, 'a new request is made, without a pause')
})

test('a pause that was ended early does not end the next one', async () => {
  const w = new FakePorts()
  w.issue = () => { throw new TransportError('timeout') }
  const client = new Client(w)
  const began = w.clock.now
  await Promise.all([outcome(client.get('/a')), w.clock.run(began)])
  await w.clock.run(began + 20_000)
  client.configured({tokenUrl: '/other'})
  await w.clock.run(began + 79_000)
  assert.equal(w.tokenRequests, 2, 'the second pause is 60 s, from 20 s on')
  await w.clock.run(began + 81_000)
  assert.equal(w.tokenRequests, 3)
})

test('a call during a pause states the seconds until the next attempt', async () => {
  const w = new FakePorts()
  w.issue = () => { throw new StileError(endpointProblem('HTTP 500', 500)) }
  const client = new Client(w)
  const began = w.clock.now
  const call = client.get('/a').catch(error => error)
  await w.clock.run(began + 10_000)
  const {retryAt, error} = w.last('token-failed')
  assert.deepEqual([error.code, error.status, error.detail], ['token_endpoint', 500, 'HTTP 500'])
  assert.deepEqual([(await call).code, (await call).retry_after, (await call).renewable], ['token_endpoint', 30, true])
  await w.clock.run(began + 20_000)
  assert.equal((await client.get('/b').catch(error => error)).retry_after, Math.ceil((retryAt - w.clock.now) / 1000))
  assert.equal(w.tokenRequests, 3)
})

test('a visitor can end a pause, but not twice in 5 s, and the pauses do not become longer', async () => {
  const w = new FakePorts()
  w.issue = () => { throw new TransportError('timeout') }
  const client = new Client(w)
  const began = w.clock.now
  await Promise.all([outcome(client.get('/a')), w.clock.run(began)])
  client.retry()
  await w.clock.run(began + 2_000)
  assert.equal(w.tokenRequests, 1, 'too early')
  for (let n = 2; n < 6; n++) {
    await w.clock.run(w.clock.now + 6_000)
    client.retry()
    client.retry()
    await w.clock.run(w.clock.now)
    assert.equal(w.tokenRequests, n)
    assert.equal(w.last('token-failed').retryAt - w.clock.now, 30_000)
  }
  w.issue = () => ({access_token: 'good'})
  await w.clock.run(w.clock.now + 6_000)
  client.retry()
  await w.clock.run(w.clock.now)
  assert.equal(w.eventNames.at(-1), 'token-renewed')
})

test('a listener that fails is a source of tokens that fails', async () => {
  const w = new FakePorts()
  w.listener = e => { if (e.type === 'stile:token-invalid') e.detail.respondWith(Promise.reject(new Error('no session'))) }
  const call = new Client(w).get('/a').catch(error => error)
  await w.clock.run(w.clock.now + 10_000)
  assert.deepEqual([(await call).code, (await call).status, (await call).detail], ['token_endpoint', 0, 'Error: no session'])
  assert.equal(w.last('token-failed').error.message, 'no session')
})

test('a session keeps its token if an older one is refused', async () => {
  const w = new FakePorts()
  w.config.token = 'mine'
  const session = new Session(w, () => assert.fail('nothing changed'))
  assert.equal(session.current, 'mine')
  session.refused('older', problem('token_expired'))
  assert.equal(session.current, 'mine')
})

test('a tab keeps its token across page views', async () => {
  const w = new FakePorts()
  const view = async () => {
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run()
    return call
  }
  assert.equal(await view(), 'data')
  assert.equal(await view(), 'data')
  assert.equal(w.tokenRequests, 1)
  w.server = accepts('t2')
  assert.equal(await view(), 'data')
  assert.equal(await view(), 'data')
  assert.equal(w.tokenRequests, 2)
})

test('a cached page, which contains its old token, continues with the newer one', async () => {
  const w = new FakePorts()
  const view = async (token: string) => {
    w.config.token = token
    const call = outcome(new Client(w).get('/a'))
    await w.clock.run()
    assert.equal(await call, 'data')
    return w.sent.at(-1)!.token
  }
  w.server = accepts('t1', 'new')
  assert.equal(await view('old'), 't1')
  assert.equal(await view('old'), 't1')
  assert.equal(w.sent.filter(s => s.token === 'old').length, 1, 'it was used once')
  assert.equal(await view('new'), 'new', 'a different token in the page is used')
})

test('another tenant\'s token is not used', async () => {
  const w = new FakePorts()
  await Promise.all([outcome(new Client(w).get('/a')), w.clock.run()])
  w.config.clientId = 'other'
  await Promise.all([outcome(new Client(w).get('/a')), w.clock.run()])
  assert.equal(w.tokenRequests, 2)
})

test('a call that is always refused fails, although others are admitted', async () => {
  const w = new FakePorts()
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
  assert.ok(w.tokenRequests < 12, `${w.tokenRequests} tokens were requested`)
})
