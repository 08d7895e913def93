/** The tabs of one origin share one renewal, and none waits forever. */
import './events'
import assert from 'node:assert/strict'
import {test, type TestContext} from 'node:test'
import {Session} from '../src/session'
import {tabs} from '../src/tabs'
import {Channel, Locks, withGlobal} from './fake-browser'
import {problem, FakePorts} from './fake-ports'

/** Tabs with the same token URL, whose n-th token is "tn". */
class Browser {
  issued = 0
  issue: () => Promise<string> = async () => `t${++this.issued}`

  tab({alone = false, name = 'acme'} = {}) {
    const w = new FakePorts()
    w.tabs = tabs(() => name, () => alone)
    w.issue = async () => ({access_token: await this.issue()})
    const session = new Session(w, () => {})
    return {w, session, token: () => session.token(), die: (code = 'token_expired') => session.refused(session.current!, problem(code))}
  }
}

function browser(t: TestContext, locks: Locks | undefined = new Locks()): Browser {
  const undo = [withGlobal('BroadcastChannel', Channel), withGlobal('navigator', {locks})]
  t.after(() => {
    for (const one of undo) one()
    Channel.closeAll()
  })
  return new Browser()
}

test('ten tabs that open simultaneously share one token, which one of them requested', async t => {
  const b = browser(t)
  const all = Array.from({length: 10}, () => b.tab())
  assert.deepEqual(await Promise.all(all.map(({token}) => token())), Array(10).fill('t1'))
  assert.equal(b.issued, 1)
  assert.equal(all.flatMap(({w}) => w.eventNames).filter(name => name === 'token-invalid').length, 1)
})

test('a tab that opens later uses the token of another, and requests none', async t => {
  const b = browser(t)
  await b.tab().token()
  const late = b.tab()
  assert.equal(await late.token(), 't1')
  assert.equal(b.issued, 1)
  assert.deepEqual(late.w.eventNames, ['token-renewed'])
})

test('one tab renews a dead token, and the other uses the new one, not the dead one', async t => {
  const b = browser(t)
  const one = b.tab(), two = b.tab(), idle = b.tab()
  await Promise.all([one.token(), two.token(), idle.token()])
  one.die()
  assert.equal(await one.token(), 't2', 'the idle tab still sends the dead one')
  two.die()
  assert.equal(await two.token(), 't2')
  assert.equal(b.issued, 2)
})

test('a tab whose renewal fails continues with the token of another tab', async t => {
  const b = browser(t)
  const one = b.tab(), two = b.tab()
  b.issue = () => Promise.reject(new Error('down'))
  one.w.random = two.w.random = () => 0
  const failed = assert.rejects(one.token(), {code: 'token_endpoint'})
  await one.w.clock.run(1_010_000)
  while (one.w.eventNames.at(-1) !== 'token-failed') await one.w.clock.run(one.w.clock.now + 1_000)
  await failed
  b.issue = async () => 't7'
  assert.equal(await two.token(), 't7')
  assert.equal(await one.token(), 't7')
})

test('two tabs do not renew forever in turn if all tokens are refused', async t => {
  const b = browser(t)
  const both = [b.tab(), b.tab()]
  const spend = async () => {
    for (let n = 0; n < 50; n++) {
      await both[n % 2]!.token()
      await new Promise(resolve => setImmediate(resolve))
      for (const {die} of both) die()
    }
  }
  await Promise.all(both.map(({token}) => token()))
  await assert.rejects(spend(), {code: 'token_expired'})
  assert.equal(b.issued, 3 + 3)
})

test('a tab with a page-only token neither sends nor receives tokens', async t => {
  const b = browser(t)
  const open = b.tab(), shut = b.tab({alone: true})
  assert.equal(await open.token(), 't1')
  assert.equal(await shut.token(), 't2')
  open.die()
  assert.equal(await open.token(), 't3')
})

test('tabs of another tenant or server are separate', async t => {
  const b = browser(t)
  assert.equal(await b.tab({name: 'acme'}).token(), 't1')
  assert.equal(await b.tab({name: 'other'}).token(), 't2')
})

test('a token that the page sets is sent to the other tabs', async t => {
  const b = browser(t)
  const one = b.tab(), two = b.tab()
  await Promise.all([one.token(), two.token()])
  two.die()
  one.session.set('own')
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(two.session.current, 'own')
})

test('without locks, each tab continues', async t => {
  const b = browser(t, undefined)
  const [one, two] = await Promise.all([b.tab().token(), b.tab().token()])
  assert.match(`${one} ${two}`, /^t\d t\d$/)
  assert.equal(await b.tab().token(), 't1')
})

test('a lock that is refused or never released does not block a tab forever', async t => {
  const b = browser(t, {request: () => Promise.reject(new DOMException('no locks here', 'SecurityError'))} as unknown as Locks)
  assert.equal(await b.tab().token(), 't1')
  t.after(withGlobal('navigator', {locks: {request: () => new Promise(() => {})}}))
  const {setTimeout} = globalThis, waits: number[] = []
  t.after(withGlobal('setTimeout', (run: () => void, ms: number) => (waits.push(ms), setTimeout(run, ms / 100))))
  assert.equal(await b.tab({name: 'stuck'}).token(), 't2')
  assert.deepEqual(waits, [10_000, 60])
})

test('a tab without a channel continues alone', async t => {
  const b = browser(t)
  t.after(withGlobal('BroadcastChannel', class { constructor() { throw new DOMException('no', 'SecurityError') } }))
  const one = b.tab()
  assert.equal(await one.token(), 't1')
  one.die()
  assert.equal(await one.token(), 't2')
})

test('a lock is released, whether a token was obtained, failed, or was not needed', async t => {
  const locks = new Locks()
  const b = browser(t, locks)
  await b.tab().token()
  const free = async () => (await new Promise(resolve => setImmediate(resolve)), locks.held)
  assert.equal(await free(), 0)
  const failing = b.tab({name: 'failing'})
  failing.w.config.tokenUrl = ''
  await assert.rejects(failing.token())
  assert.equal(await free(), 0)
  const first = b.tab({name: 'slow'}), second = b.tab({name: 'slow'})
  let give = (_: string) => {}
  b.issue = () => new Promise(resolve => give = resolve)
  const got = [first.token(), second.token()]
  while (!first.w.eventNames.length) await new Promise(resolve => setTimeout(resolve, 5))
  second.session.set('own')
  assert.equal(await got[1], 'own')
  give('late')
  assert.equal(await got[0], 'own', 'and the first tab received it')
  assert.equal(await free(), 0)
})
