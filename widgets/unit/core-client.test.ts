/** When a call is retried, and when it fails. */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {TransportError} from '../src/errors'
import {answered, outcome, problem, refused, required, unreachable, work, FakePorts} from './fake-ports'

/** Returns ports that have a token. */
function ready(): FakePorts {
  const w = new FakePorts()
  w.config.token = 't'
  return w
}

/** Returns a server that sends these responses first, and then admits every call. */
function first(...answers: (() => any)[]) {
  return () => (answers.shift() ?? answered)()
}

async function run(w: FakePorts, client = new Client(w), path = '/a'): Promise<unknown> {
  const call = outcome(client.get(path))
  await w.clock.run()
  return call
}

const timeout = () => { throw new TransportError('timeout') }
const busy = (retry_after: number | null = null) => () => refused('overloaded', {status: 503, retry_after})

test('parameters are sent unchanged, with the token and the client id', async () => {
  const w = ready()
  await Promise.all([new Client(w).get('/v1/items', {q: 'a b', limit: 3, highlight: true, none: undefined}), w.clock.run()])
  assert.deepEqual(w.sent[0]!.fields, {q: 'a b', limit: '3', highlight: 'true', client_id: 'acme', access_token: 't'})
})

for (const [what, fault] of Object.entries({'a network fault': unreachable, 'a timeout': timeout, 'overload': busy()})) {
  test(`${what} is retried twice`, async () => {
    const w = ready()
    w.server = first(fault, fault)
    assert.equal(await run(w), 'data')
    assert.equal(w.sent.length, 3)
  })
  test(`${what} fails a call the third time`, async () => {
    const w = ready()
    w.server = fault as never
    assert.match(String(await run(w)), /unreachable|timeout|overloaded/)
    assert.equal(w.sent.length, 3)
  })
}

test('a retry waits as long as the server requests', async () => {
  const w = ready()
  w.server = first(busy(7))
  const began = w.clock.now
  assert.equal(await run(w), 'data')
  assert.ok(w.clock.now - began >= 7_000 && w.clock.now - began < 8_000)
})

test('a call does not wait for more than a minute', async () => {
  const w = ready()
  w.server = first(busy(61))
  assert.equal(await run(w), 'overloaded')
  assert.equal(w.sent.length, 1)
})

for (const code of ['bad_request', 'not_found', 'internal', 'client_mismatch', 'proof_invalid'])
  test(`${code} is not retried`, async () => {
    const w = ready()
    w.server = () => refused(code)
    assert.equal(await run(w), code)
    assert.equal(w.sent.length, 1)
  })

for (const code of ['csp', 'no_callback'] as const)
  test(`${code} is not retried`, async () => {
    const w = ready()
    w.server = () => { throw new TransportError(code) }
    assert.equal(await run(w), code)
    assert.equal(w.sent.length, 1)
  })

test('a proof with a wrong time is made again with the server\'s time', async () => {
  const w = ready()
  w.prover = {proof: async (method, url, token, now) => [method, url, token, now].join(' ')}
  w.server = ({proof}) => proof === 'POST https://api.example/a t 5000000' ? answered() : refused('proof_invalid', {now: 5000})
  assert.equal(await run(w), 'data')
  assert.equal(w.sent.length, 2)
  w.server = () => refused('proof_invalid', {now: 6000})
  assert.equal(await run(w), 'proof_invalid')
  assert.equal(w.sent.length, 4)
})

test('a block is reported once, until a call is admitted', async () => {
  const w = ready()
  w.server = () => refused('address_blocked', {status: 403, retry_after: 600})
  const client = new Client(w)
  const calls = Promise.all([1, 2, 3].map(() => outcome(client.get('/a'))))
  await w.clock.run()
  assert.deepEqual(await calls, Array(3).fill('address_blocked'))
  assert.deepEqual(w.events.map(e => [e.type, e.detail]), [['stile:blocked', {code: 'address_blocked', retryAfter: 600}]])
  w.server = () => answered()
  await run(w, client)
  w.server = () => refused('address_blocked', {status: 403, retry_after: 600})
  await run(w, client)
  assert.deepEqual(w.eventNames, ['blocked', 'blocked'])
  w.server = () => refused('tenant_suspended')
  await run(w, client)
  assert.deepEqual(w.eventNames, ['blocked', 'blocked', 'blocked'], 'another reason is news')
})

test('a block that the page handles is quiet for all calls', async () => {
  const w = ready()
  w.server = () => refused('address_blocked')
  w.listener = e => e.preventDefault()
  const client = new Client(w)
  for (let n = 0; n < 2; n++) assert.equal((await client.get('/a').catch(e => e)).quiet, true)
})

test('an aborted call ends immediately, wherever it waits', async () => {
  const states: Record<string, (w: FakePorts) => void> = {
    'for a token': w => { w.config.token = ''; w.issue = () => new Promise(() => {}) },
    'for the answer': w => { w.server = () => new Promise(() => {}) },
    'for another try': w => { w.server = busy(30) },
    'for a challenge': w => { w.server = () => required(); w.solver = () => new Promise(() => {}) },
  }
  for (const [where, arrange] of Object.entries(states)) {
    const w = ready(), abort = new AbortController()
    arrange(w)
    const call = outcome(new Client(w).get('/a', {}, abort.signal))
    await w.clock.run(w.clock.now)
    abort.abort()
    await w.clock.run(w.clock.now)
    assert.equal(await Promise.race([call, 'still waiting']), 'AbortError', where)
  }
})

test('a call that is aborted before it starts sends nothing', async () => {
  const w = ready()
  assert.equal(await outcome(new Client(w).get('/a', {}, AbortSignal.abort())), 'AbortError')
  assert.equal(w.sent.length, 0)
})

test('a slot is free again after calls in its queue were aborted', async () => {
  const w = ready()
  w.server = ({path}) => path === '/hang' ? new Promise(() => {}) : answered()
  const client = new Client(w), stop = new AbortController()
  const hanging = Promise.all(Array.from({length: 9}, () => outcome(client.get('/hang', {}, stop.signal))))
  await w.clock.run(w.clock.now)
  assert.equal(w.sent.length, 4)
  const next = outcome(client.get('/next'))
  stop.abort()
  await w.clock.run(w.clock.now)
  assert.deepEqual(await hanging, Array(9).fill('AbortError'))
  assert.equal(await next, 'data')
  const more = Promise.all(Array.from({length: 9}, () => outcome(client.get('/more'))))
  await w.clock.run()
  assert.deepEqual(await more, Array(9).fill('data'))
})

/** Returns a server that requires work until an answer is correct. */
function asking(w: FakePorts, right: (answer: string) => boolean = () => true) {
  let solved = false, n = 1
  w.server = ({path, fields}) => {
    if (!path.includes('/challenges/')) return solved ? answered() : required(work(`w${n}`))
    assert.equal(path, `/v1/challenges/w${n}/answer`)
    solved = right(fields['answer']!)
    return solved ? answered({solved}) : refused('challenge_failed', {status: 422, challenge: work(`w${++n}`)})
  }
}

test('a challenge is solved once for all waiting calls', async () => {
  const w = ready()
  asking(w)
  const client = new Client(w)
  const calls = Promise.all(Array.from({length: 30}, (_, n) => outcome(client.get(`/${n}`))))
  await w.clock.run()
  assert.deepEqual(await calls, Array(30).fill('data'))
  assert.deepEqual(w.eventNames, ['challenge', 'challenge-solved'])
  assert.equal(w.sent.length, 4 + 1 + 30, 'four calls received it, one request answered it, and all calls continued')
})

test('no call is sent while a challenge is open', async () => {
  const w = ready()
  asking(w)
  let solve = (_: string) => {}
  w.solver = () => new Promise(resolve => solve = resolve)
  const client = new Client(w)
  const one = outcome(client.get('/a'))
  await w.clock.run()
  const others = [1, 2, 3].map(() => outcome(client.get('/b')))
  await w.clock.run()
  assert.equal(w.sent.length, 1)
  solve('7')
  await w.clock.run()
  assert.deepEqual(await Promise.all([one, ...others]), Array(4).fill('data'))
})

test('after a wrong answer, the next challenge is solved', async () => {
  const w = ready()
  asking(w, answer => answer === '3')
  let n = 0
  w.solver = () => String(++n)
  assert.equal(await run(w), 'data')
  assert.deepEqual(w.eventNames, ['challenge', 'challenge', 'challenge', 'challenge-solved'])
})

test('a page may answer a challenge, or give it up', async () => {
  const w = ready()
  asking(w, answer => answer === 'mine')
  let answer: string | null = null
  w.listener = e => { if (e.type === 'stile:challenge') e.detail.respondWith(answer) }
  assert.equal(await run(w), 'challenge_required')
  answer = 'mine'
  assert.equal(await run(w), 'data')
})

test('a challenge that can\'t be solved fails the waiting calls, like one that was given up', async () => {
  const w = ready()
  w.server = () => required()
  w.solver = async () => { throw new DOMException('expired', 'TimeoutError') }
  assert.equal(await run(w), 'challenge_required')
})

test('a challenge that the page handles fails the waiting calls quietly', async () => {
  const w = ready()
  asking(w)
  w.listener = e => e.preventDefault()
  const client = new Client(w)
  const errors = Promise.all([1, 2].map(() => client.get('/a').catch(e => e)))
  await w.clock.run()
  assert.deepEqual((await errors).map((e: any) => [e.code, e.quiet]), Array(2).fill(['challenge_required', true]))
})

test('a challenge of an older token is not solved', async () => {
  const w = ready(), client = new Client(w)
  let release = () => {}
  const held = new Promise<void>(resolve => release = resolve)
  w.server = async ({token}) => token === 'next' ? answered() : (await held, required())
  const call = outcome(client.get('/a'))
  await w.clock.run()
  client.setToken('next')
  release()
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.deepEqual(w.eventNames, [])
})

test('a call does not wait for a challenge that no longer exists', async () => {
  const w = ready()
  let asked = 0
  w.server = ({path}) => path.includes('/challenges/') ? refused('not_found') : asked++ ? answered() : required()
  assert.equal(await run(w), 'data')
})

test('a call fails if the server always requires another challenge', async () => {
  const w = ready()
  w.server = ({path}) => path.includes('/challenges/') ? answered({solved: true}) : required()
  assert.equal(await run(w), 'challenge_required')
  assert.equal(w.eventNames.filter(name => name === 'challenge').length, 6)
})

test('the answer to a challenge is retried after a network error', async () => {
  const w = ready()
  asking(w)
  const {server} = w
  let faults = 2
  w.server = sent => sent.path.includes('/challenges/') && faults-- > 0 ? unreachable() : server(sent)
  assert.equal(await run(w), 'data')
})

test('if a token dies during a challenge, the calls continue with the next token', async () => {
  const w = ready()
  w.server = ({path, token}) => token === 't1' ? answered() : path.includes('/challenges/') ? refused('token_challenged_too_often') : required()
  assert.equal(await run(w), 'data')
  assert.equal(w.tokenRequests, 1)
})

test('a new token ends the challenge of the old one, and closes the dialog', async () => {
  const w = ready()
  let closed = 0
  w.server = ({token}) => token === 'other' ? answered() : required({id: 'p', kind: 'picture', expires_in: 300, calls_left: 5, picture: '', sound: '', digits: 6})
  w.dialog = async () => ({work: async () => '', dialog: () => ({ask: () => new Promise(() => {}), close: () => void closed++})})
  const client = new Client(w)
  const call = outcome(client.get('/a'))
  await w.clock.run()
  client.setToken('other')
  await w.clock.run()
  assert.equal(await call, 'data')
  assert.equal(closed, 1)
})

test('calls fail if the module that solves challenges can\'t be loaded', async () => {
  const w = ready()
  asking(w)
  w.dialog = async () => { throw new TypeError('Failed to fetch dynamically imported module') }
  assert.equal(await run(w), 'unreachable')
})

test('a reload gives the dialog another challenge, or an error', async () => {
  const w = ready()
  const picture = (id: string) => ({id, kind: 'picture' as const, expires_in: 300, calls_left: 5, picture: '', sound: '', digits: 6})
  let solved = false
  w.server = ({path}) => {
    if (path === '/v1/challenges/p1/reload') return answered(picture('p2'))
    if (path === '/v1/challenges/p2/reload') return refused('internal')
    solved ||= path === '/v1/challenges/p2/answer'
    return solved ? answered() : required(picture('p1'))
  }
  const seen: unknown[] = []
  w.dialog = async () => ({
    work: async () => '',
    dialog: host => ({
      close() {},
      async ask(challenge) {
        const next = await host.reload().catch(error => error)
        seen.push(challenge.id, next.id ?? next.code)
        return next.id ? next : '123'
      },
    }),
  })
  assert.equal(await run(w), 'data')
  assert.deepEqual(seen, ['p1', 'p2', 'p2', 'internal'])
  assert.deepEqual(w.eventNames, ['challenge', 'challenge', 'challenge-solved'])
})

test('the fields of a refusal are the error\'s own properties', async () => {
  const w = ready()
  const sent = problem('not_found', {title: 'Not found', ref: '7QK2-M4TD'})
  w.server = () => ({error: sent})
  const error = await new Client(w).get('/a').catch(e => e)
  assert.equal(error.name, 'StileError')
  assert.deepEqual({...error}, {...sent, quiet: false})
})
