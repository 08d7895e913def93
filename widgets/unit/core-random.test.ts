/**
 * A thousand worlds in which tokens die, challenges come, pages change their
 * minds, clocks go wrong, other tabs have tokens, and networks break, in any order. What must hold in each: every call
 * ends, once, with its own answer or a reason; at most one renewal and one
 * challenge are open; and when all is well again, so are the calls.
 */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {TransportError, type Fault} from '../src/errors'
import {answered, draws, outcome, refused, required, work, World, type Sent} from './world'

const worlds = 1_000
const storm = 120_000 // ms in which things go wrong
const calm = 3_600_000 // ms after which everything has ended

class Storm {
  readonly w = new World()
  readonly draw: () => number
  readonly client: Client
  readonly ended: string[] = []
  readonly alive = new Set<string>()
  readonly challenged = new Map<string, string>()
  /** The server's clock minus ours, in s; a proof of another time is refused. */
  #ahead = 0
  clocksFound = 0
  #own: Parameters<World['tabs']['join']>[0] | undefined
  #made = 0
  #asked = 0
  readonly #open = {renewal: 0, challenge: 0, call: 0}
  /** How bad this world is, each between 0 and 1. */
  readonly #faulty: number
  readonly #deadly: number
  readonly #suspicious: number

  constructor(seed: number) {
    this.draw = draws(seed)
    this.#faulty = this.draw() ** 2
    this.#deadly = this.draw() ** 3
    this.#suspicious = this.draw() ** 3 / 2
    this.w.random = this.draw
    this.w.prover = {proof: async (_method, _url, token, now) => `${token} ${now}`}
    this.w.tabs = {join: own => this.#own = own, tell: token => this.#told(token), turn: (signal, get) => this.w.clock.sleep(60, signal).then(get)}
    this.w.issue = (_, signal) => this.#once('renewal', signal, () => this.#issue())
    this.w.solver = (_, signal) => this.#once('challenge', signal, async () => (await this.#pass(2_000), this.draw() < 0.7 ? '42' : '13'))
    this.w.server = (sent, signal) => this.#once('call', signal, () => this.#answer(sent))
    this.w.listener = event => this.#listen(event)
    this.client = new Client(this.w)
  }

  get over(): boolean {
    return this.w.clock.now > 1_000_000 + storm
  }

  chance(p: number): boolean {
    return !this.over && this.draw() < p
  }

  /** What may be open once (calls: four times) is counted from its beginning to its end, or to where nobody wants it any more. */
  async #once<T>(what: 'renewal' | 'challenge' | 'call', signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    const most = {renewal: 1, challenge: 1, call: 4 + 1}[what] // an answer to a challenge is sent beside the calls
    let open = true
    const end = () => {
      if (open) this.#open[what]--
      open = false
      signal?.removeEventListener('abort', end)
    }
    assert.ok(++this.#open[what] <= most, `${this.#open[what]} at once: ${what}`)
    signal?.addEventListener('abort', end)
    return run().finally(end)
  }

  #pass(most: number): Promise<void> {
    return this.w.clock.sleep(Math.floor(this.draw() * most))
  }

  #fault(): never {
    const codes: Fault[] = ['timeout', 'unreachable', 'unreachable', 'no_callback', 'csp']
    throw new TransportError(codes[Math.floor(this.draw() * codes.length)]!)
  }

  async #issue() {
    await this.#pass(3_000)
    if (this.chance(this.#faulty)) this.draw() < 0.5 ? this.#fault() : assert.ok(this.over, 'the token address is down')
    return {access_token: this.token(this.chance(this.#deadly))}
  }

  token(dead = false): string {
    const token = `t${++this.#made}`
    if (!dead) this.alive.add(token)
    return token
  }

  /** What another tab tells when this one has told it a token: nothing, or one of its own. */
  #told(token: string): void {
    assert.ok(token)
    if (this.chance(0.1)) void this.#pass(500).then(() => this.tabTells())
  }

  /** Another tab tells of a token, which may be dead. */
  tabTells(): void {
    this.#own?.heard(this.token(this.chance(this.#deadly)))
  }

  /** The visitor sets the clock. */
  setClock(): void {
    this.#ahead = Math.round((this.draw() - 0.5) * 10_000)
  }

  /** The server's time, in s. */
  get #now(): number {
    return Math.floor(this.w.clock.now / 1000) + this.#ahead
  }

  async #answer({path, token, fields, proof}: Sent) {
    const [of, made] = proof!.split(' ')
    assert.equal(of, token)
    const late = this.#now - Math.floor(Number(made) / 1000)
    await this.#pass(1_000)
    if (late > 60 || late < -2) return this.clocksFound++, refused('proof_invalid', {now: this.#now})
    if (this.chance(this.#faulty / 3)) this.#fault()
    if (this.chance(this.#faulty / 3)) return refused('overloaded', {retry_after: Math.floor(this.draw() * 10) || null})
    if (this.chance(this.#deadly / 3)) this.alive.delete(token)
    if (!this.alive.has(token)) return refused('token_expired')
    const [, id] = /^\/v1\/challenges\/(.*)\/answer$/.exec(path) ?? []
    if (id) return this.#judge(token, id, fields['answer']!)
    if (this.chance(this.#suspicious)) this.challenged.set(token, `c${++this.#asked}`)
    const open = this.challenged.get(token)
    return open ? required(work(open)) : answered(path)
  }

  #judge(token: string, id: string, answer: string) {
    if (this.challenged.get(token) !== id) return refused('not_found')
    this.challenged.delete(token)
    if (answer === '42') return answered({solved: true})
    const next = `c${++this.#asked}`
    this.challenged.set(token, next)
    return refused('challenge_failed', {challenge: work(next)})
  }

  #listen(event: CustomEvent) {
    const {respondWith} = event.detail
    if (event.type === 'stile:token-invalid' && this.chance(0.2)) respondWith(this.#once('renewal', event.detail.signal, () => this.#issue()))
    else if (event.type === 'stile:challenge' && this.chance(0.1)) respondWith(null)
    else if (event.cancelable && this.chance(0.1)) event.preventDefault()
    else if (this.chance(0.05)) this.client.setToken(this.token())
  }

  /** A call at some time, which may be given up at some later time. */
  async call(n: number): Promise<void> {
    await this.#pass(storm)
    const stop = new AbortController(), aborts = this.draw() < 0.2
    if (aborts) void this.#pass(20_000).then(() => stop.abort())
    const ended = await outcome(this.client.get(`/v1/items/${n}`, {}, stop.signal))
    assert.ok(ended !== 'AbortError' || aborts, 'an AbortError for a call that nobody gave up')
    this.ended.push(ended === `/v1/items/${n}` ? 'data' : String(ended))
  }

  /** Things that happen by themselves. */
  async happen(): Promise<void> {
    await this.#pass(storm)
    const what = this.draw()
    if (what < 0.2) this.client.setToken(this.token(this.draw() < 0.3))
    else if (what < 0.4) this.tabTells()
    else if (what < 0.6) this.setClock()
    else this.alive.clear()
  }
}

const reasons = new Set(['data', 'AbortError', 'token_missing', 'token_expired', 'challenge_required', 'overloaded', 'timeout', 'unreachable', 'no_callback', 'csp'])

async function live(seed: number): Promise<Record<string, number>> {
  const s = new Storm(seed)
  const calls = Array.from({length: 1 + Math.floor(s.draw() * 30)}, (_, n) => s.call(n))
  const events = Array.from({length: Math.floor(s.draw() * 8)}, () => s.happen())
  await s.w.clock.run(1_000_000 + storm + calm)
  assert.equal(s.ended.length, calls.length, 'every call has ended')
  await Promise.all([...calls, ...events]) // or what they found wrong
  for (const ended of s.ended) assert.ok(reasons.has(ended), `a call ended with ${ended}`)
  const late = [1, 2, 3].map(n => outcome(s.client.get(`/late/${n}`)))
  await s.w.clock.run(s.w.clock.now + calm)
  assert.deepEqual(await Promise.all(late), ['/late/1', '/late/2', '/late/3'], 'when all is well again, so are the calls')
  return s.ended.reduce<Record<string, number>>((all, one) => ({...all, [one]: (all[one] ?? 0) + 1}), {'wrong clock': s.clocksFound})
}

test('whatever happens in whatever order, every call ends once', async t => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  const base = Number(process.env['STILE_SEED'] ?? 1)
  const all: Record<string, number> = {}
  for (let seed = base; seed < base + (process.env['STILE_SEED'] ? 1 : worlds); seed++) {
    try {
      for (const [ended, n] of Object.entries(await live(seed))) all[ended] = (all[ended] ?? 0) + n
      assert.deepEqual(unhandled, [])
    } catch (error) {
      throw new Error(`in the world of STILE_SEED=${seed}`, {cause: error})
    }
  }
  t.diagnostic(JSON.stringify(all))
  if (!process.env['STILE_SEED']) for (const reason of [...reasons, 'wrong clock']) assert.ok(all[reason], `no call ever met ${reason}: the worlds are too kind`)
})
