/**
 * A thousand random runs in which tokens die, challenges are issued, pages change their settings,
 * clocks are wrong, other tabs have tokens, and networks fail, in any order. In each run, every
 * call settles once, with its own response or an error. At most one renewal and one challenge are
 * open. When all failures have ended, calls are admitted again.
 */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {TransportError, type TransportCode} from '../src/errors'
import {answered, seededRandom, outcome, refused, required, work, FakePorts, type Sent} from './fake-ports'

const runs = 1_000
const failurePhase = 120_000 // ms in which failures occur
const maxTime = 3_600_000 // ms in which all calls must settle

class RandomRun {
  readonly w = new FakePorts()
  readonly draw: () => number
  readonly client: Client
  readonly ended: string[] = []
  readonly alive = new Set<string>()
  readonly challenged = new Map<string, string>()
  /** The server's clock minus ours, in s. The server refuses proofs with another time. */
  #clockOffset = 0
  clocksFound = 0
  #session: Parameters<FakePorts['tabs']['join']>[0] | undefined
  #made = 0
  #issued = 0
  readonly #open = {renewal: 0, challenge: 0, call: 0}
  /** The probabilities of failures in this run. */
  readonly #failureRate: number
  readonly #deathRate: number
  readonly #challengeRate: number

  constructor(seed: number) {
    this.draw = seededRandom(seed)
    this.#failureRate = this.draw() ** 2
    this.#deathRate = this.draw() ** 3
    this.#challengeRate = this.draw() ** 3 / 2
    this.w.random = this.draw
    this.w.prover = {proof: async (_method, _url, token, now) => `${token} ${now}`}
    this.w.tabs = {join: session => this.#session = session, send: token => this.#received(token), inTurn: (signal, get) => this.w.clock.sleep(60, signal).then(get)}
    this.w.issue = (_, signal) => this.#once('renewal', signal, () => this.#issue())
    this.w.solver = (_, signal) => this.#once('challenge', signal, async () => (await this.#pass(2_000), this.draw() < 0.7 ? '42' : '13'))
    this.w.server = (sent, signal) => this.#once('call', signal, () => this.#answer(sent))
    this.w.listener = event => this.#listen(event)
    this.client = new Client(this.w)
  }

  get over(): boolean {
    return this.w.clock.now > 1_000_000 + failurePhase
  }

  chance(p: number): boolean {
    return !this.over && this.draw() < p
  }

  /** Counts what may be open once (calls: four times), until it ends or is aborted. */
  async #once<T>(what: 'renewal' | 'challenge' | 'call', signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
    // An answer to a challenge needs no slot.
    const max = {renewal: 1, challenge: 1, call: 4 + 1}[what]
    let open = true
    const end = () => {
      if (open) this.#open[what]--
      open = false
      signal?.removeEventListener('abort', end)
    }
    assert.ok(++this.#open[what] <= max, `${this.#open[what]} at once: ${what}`)
    signal?.addEventListener('abort', end)
    return run().finally(end)
  }

  #pass(maxMs: number): Promise<void> {
    return this.w.clock.sleep(Math.floor(this.draw() * maxMs))
  }

  #fail(): never {
    const codes: TransportCode[] = ['timeout', 'unreachable', 'unreachable', 'no_callback', 'csp']
    throw new TransportError(codes[Math.floor(this.draw() * codes.length)]!)
  }

  async #issue() {
    await this.#pass(3_000)
    if (this.chance(this.#failureRate)) this.draw() < 0.5 ? this.#fail() : assert.ok(this.over, 'the token URL fails')
    return {access_token: this.token(this.chance(this.#deathRate))}
  }

  token(dead = false): string {
    const token = `t${++this.#made}`
    if (!dead) this.alive.add(token)
    return token
  }

  /** The response of another tab to a token: nothing, or a token of its own. */
  #received(token: string): void {
    assert.ok(token)
    if (this.chance(0.1)) void this.#pass(500).then(() => this.sendFromTab())
  }

  /** Another tab sends a token, which may be dead. */
  sendFromTab(): void {
    this.#session?.receive(this.token(this.chance(this.#deathRate)))
  }

  /** The visitor changes the clock. */
  setClock(): void {
    this.#clockOffset = Math.round((this.draw() - 0.5) * 10_000)
  }

  /** The server's time, in s. */
  get #now(): number {
    return Math.floor(this.w.clock.now / 1000) + this.#clockOffset
  }

  async #answer({path, token, fields, proof}: Sent) {
    const [of, made] = proof!.split(' ')
    assert.equal(of, token)
    const late = this.#now - Math.floor(Number(made) / 1000)
    await this.#pass(1_000)
    if (late > 60 || late < -2) return this.clocksFound++, refused('proof_invalid', {now: this.#now})
    if (this.chance(this.#failureRate / 3)) this.#fail()
    if (this.chance(this.#failureRate / 3)) return refused('overloaded', {retry_after: Math.floor(this.draw() * 10) || null})
    if (this.chance(this.#deathRate / 3)) this.alive.delete(token)
    if (!this.alive.has(token)) return refused('token_expired')
    const [, id] = /^\/v1\/challenges\/(.*)\/answer$/.exec(path) ?? []
    if (id) return this.#checkAnswer(token, id, fields['answer']!)
    if (this.chance(this.#challengeRate)) this.challenged.set(token, `c${++this.#issued}`)
    const open = this.challenged.get(token)
    return open ? required(work(open)) : answered(path)
  }

  #checkAnswer(token: string, id: string, answer: string) {
    if (this.challenged.get(token) !== id) return refused('not_found')
    this.challenged.delete(token)
    if (answer === '42') return answered({solved: true})
    const next = `c${++this.#issued}`
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

  /** Makes a call at a random time, which may be aborted later. */
  async call(n: number): Promise<void> {
    await this.#pass(failurePhase)
    const stop = new AbortController(), aborts = this.draw() < 0.2
    if (aborts) void this.#pass(20_000).then(() => stop.abort())
    const ended = await outcome(this.client.get(`/v1/items/${n}`, {}, stop.signal))
    assert.ok(ended !== 'AbortError' || aborts, 'an AbortError for a call that was not aborted')
    this.ended.push(ended === `/v1/items/${n}` ? 'data' : String(ended))
  }

  /** Random events. */
  async happen(): Promise<void> {
    await this.#pass(failurePhase)
    const what = this.draw()
    if (what < 0.2) this.client.setToken(this.token(this.draw() < 0.3))
    else if (what < 0.4) this.sendFromTab()
    else if (what < 0.6) this.setClock()
    else this.alive.clear()
  }
}

const reasons = new Set(['data', 'AbortError', 'token_missing', 'token_expired', 'challenge_required', 'overloaded', 'timeout', 'unreachable', 'no_callback', 'csp', 'token_endpoint'])

async function runOnce(seed: number): Promise<Record<string, number>> {
  const s = new RandomRun(seed)
  const calls = Array.from({length: 1 + Math.floor(s.draw() * 30)}, (_, n) => s.call(n))
  const events = Array.from({length: Math.floor(s.draw() * 8)}, () => s.happen())
  await s.w.clock.run(1_000_000 + failurePhase + maxTime)
  assert.equal(s.ended.length, calls.length, 'every call has settled')
  await Promise.all([...calls, ...events]) // rejects if an assertion failed
  for (const ended of s.ended) assert.ok(reasons.has(ended), `a call ended with ${ended}`)
  const late = [1, 2, 3].map(n => outcome(s.client.get(`/late/${n}`)))
  await s.w.clock.run(s.w.clock.now + maxTime)
  assert.deepEqual(await Promise.all(late), ['/late/1', '/late/2', '/late/3'], 'calls are admitted when all failures have ended')
  return s.ended.reduce<Record<string, number>>((all, one) => ({...all, [one]: (all[one] ?? 0) + 1}), {'wrong clock': s.clocksFound})
}

test('every call settles once, whatever happens in whatever order', async t => {
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  t.after(() => process.off('unhandledRejection', note))
  const base = Number(process.env['STILE_SEED'] ?? 1)
  const all: Record<string, number> = {}
  for (let seed = base; seed < base + (process.env['STILE_SEED'] ? 1 : runs); seed++) {
    try {
      for (const [ended, n] of Object.entries(await runOnce(seed))) all[ended] = (all[ended] ?? 0) + n
      assert.deepEqual(unhandled, [])
    } catch (error) {
      throw new Error(`in the run of STILE_SEED=${seed}`, {cause: error})
    }
  }
  t.diagnostic(JSON.stringify(all))
  if (!process.env['STILE_SEED']) for (const reason of [...reasons, 'wrong clock']) assert.ok(all[reason], `no call ended with ${reason}: the failure rates are too low`)
})
