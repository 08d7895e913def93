/**
 * Random runs of the dialog for pictures, with the real core and a server that knows which
 * challenge is open. The visitor answers, mistypes, reloads, waits until the picture has expired,
 * and cancels. Requests and responses are lost, tokens die, other tabs reload and solve, and work
 * follows pictures. In each run, every answer goes to the picture that was shown, the digits of an
 * open picture are accepted, the message fits, and every call settles.
 */
import './events'
import assert from 'node:assert/strict'
import {writeFileSync} from 'node:fs'
import {test} from 'node:test'
import {Dialog} from '../src/challenge/dialog'
import {loadTexts} from '../src/challenge/texts'
import {Client} from '../src/client'
import type {Challenge} from '../src/types'
import {answered, FakePorts, outcome, problem, refused, required, seededRandom, unreachable, work, type Sent} from './fake-ports'
import {fakeDocument, FakeElement} from './fake-document'

const runs = 600
const failurePhase = 900_000 // ms in which failures occur
const lifetime = 120 // s until a challenge expires
const pageAnswer = '98765' // the answer of the page, which is wrong

interface Open {
  readonly number: number
  readonly kind: Challenge['kind']
  readonly expires: number
}

class RandomDialog {
  readonly w = new FakePorts()
  readonly draw: () => number
  readonly client: Client
  readonly body: FakeElement
  readonly counts: Record<string, number> = {}
  readonly ended: string[] = []
  /** The open challenge. */
  #open: Open | undefined
  #numbers = 0
  /** The probability that a request is lost, and that a response is. */
  readonly #lossRate: number
  #reloads = 0
  /** The picture that the visitor last answered, and whether correctly and in time. */
  #submitted: {dialog: FakeElement; id: string; correct: boolean; late: boolean} | undefined
  #dead = new Set<string>()
  readonly #pictures = new Set<string>()
  /** Reports that the dialog knows that its challenge is closed. */
  #gone = false
  /** The first violation that the server noticed. */
  #fault: unknown

  constructor(seed: number) {
    this.draw = seededRandom(seed)
    this.#lossRate = this.draw() ** 3 / 2
    this.body = fakeDocument(image => void this.#load(image), () => this.w.clock.now)
    this.w.random = this.draw
    this.w.solver = async () => (await this.pass(3_000), this.draw() < 0.6 ? '42' : '13')
    this.w.dialog = async () => ({
      work: async (challenge, {signal}) => this.w.solver(challenge, signal!),
      dialog: host => new Dialog(host),
    })
    this.w.server = async sent => this.#answer(sent)
    this.w.listener = ({type, detail}) => {
      if (type === 'stile:challenge' && !this.body.children.length && this.chance(0.1)) detail.respondWith(pageAnswer)
    }
    this.client = new Client(this.w)
  }

  get over(): boolean {
    return this.w.clock.now > 1_000_000 + failurePhase
  }

  chance(p: number): boolean {
    return !this.over && this.draw() < p
  }

  pass(ms: number): Promise<void> {
    return this.w.clock.sleep(Math.floor(this.draw() * ms))
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }

  // The server

  #issue(kind: Challenge['kind'] = this.draw() < 0.75 ? 'picture' : 'work'): Challenge {
    this.#open = {number: ++this.#numbers, kind, expires: this.w.clock.now + lifetime * 1000}
    return this.#json()
  }

  #json(): Challenge {
    const {number, kind, expires} = this.#open!
    if (kind === 'work') return work(`c${number}`)
    this.#pictures.add(`c${number}`)
    return {id: `c${number}`, kind, expires_in: Math.floor((expires - this.w.clock.now) / 1000), calls_left: 5, picture: `c${number}`, sound: `c${number}`, digits: 5}
  }

  get #expired(): boolean {
    return this.w.clock.now >= this.#open!.expires
  }

  async #answer(sent: Sent) {
    await this.pass(1_000)
    if (this.chance(this.#lossRate)) unreachable()
    const reply = this.#reply(sent)
    await this.pass(1_000)
    if (this.chance(this.#lossRate)) unreachable()
    this.#gone = sent.path.endsWith('/reload') && 'error' in reply && reply.error.code === 'not_found'
    return reply
  }

  #reply({path, token, fields}: Sent) {
    if (this.chance(0.02)) this.#dead.add(token)
    if (this.#dead.has(token)) {
      this.#open = undefined
      return refused('token_expired')
    }
    if (this.chance(0.03)) return refused('overloaded', {retry_after: 1})
    const [, id, what] = /^\/v1\/challenges\/(.*)\/(.*)$/.exec(path) ?? []
    if (id) return this.#challenge(id, what!, fields['answer']!)
    if (this.#open && !this.#expired) return required(this.#json())
    if (this.#open || this.chance(0.5)) return required(this.#issue())
    return answered(path)
  }

  #challenge(id: string, what: string, answer: string) {
    if (what === 'answer' && this.#pictures.has(id)) this.#checkAnswer(id, answer)
    if (!this.#open || id !== `c${this.#open.number}`) {
      this.count(`${what} of a closed challenge`)
      return refused('not_found')
    }
    if (what === 'reload') {
      this.count(`reload ${Math.min(++this.#reloads, 4)}`)
      return answered(this.#issue(this.chance(0.1) ? 'work' : this.#open.kind))
    }
    const {kind} = this.#open, late = this.#expired
    const correct = answer === (kind === 'work' ? '42' : digits(id))
    this.count(`${kind} ${late ? 'late' : correct ? 'solved' : 'failed'}`)
    if (correct && !late) return this.#open = undefined, this.#reloads = 0, answered({solved: true})
    return refused('challenge_failed', {challenge: this.#issue()})
  }

  /** The answer is for the picture that the visitor saw, and is what the visitor typed. */
  #checkAnswer(id: string, answer: string): void {
    if (answer === pageAnswer) return
    try {
      assert.equal(id, this.#submitted?.id, 'the answer to another picture than the one that is shown')
      assert.equal(answer === digits(id), this.#submitted!.correct)
    } catch (error) {
      this.#fault ??= error
    }
  }

  /** Another tab with the same token reloads the challenge, or solves it. */
  async otherTab(): Promise<void> {
    await this.pass(failurePhase)
    if (this.#open && this.draw() < 0.5) this.#open = undefined
    else if (this.#open) this.#issue(this.#open.kind)
  }

  // The visitor

  async #load(image: FakeElement): Promise<void> {
    const source = image.src
    await this.pass(500)
    if (image.src === source) image[this.chance(0.1) ? 'onerror' : 'onload']()
  }

  part(matches: (element: FakeElement) => boolean): FakeElement {
    return this.body.find(matches)!
  }

  /** Does something with the dialog, if it is open. */
  async visit(): Promise<void> {
    for (;;) {
      await this.pass(this.chance(0.1) ? lifetime * 1500 : 15_000)
      assert.ok(this.body.children.length <= 1, 'two dialogs')
      if (this.body.children.length) this.#act()
      if (this.over && this.ended.length === this.calls) return
    }
  }

  #act(): void {
    const input = this.part(e => e.localName === 'input'), image = this.part(e => e.localName === 'img')
    const message = this.part(e => e['role'] === 'status').textContent
    assert.ok(message || image.src, 'a dialog without a picture or message')
    if (message === 'wrong' || message === 'old') assert.equal(this.#submitted?.dialog, this.body.children[0], 'not after an answer')
    if (message === 'wrong') assert.ok(!this.#submitted!.late, 'after a late answer')
    if (message === 'unmade') assert.ok(!this.#gone, 'a picture that is closed stays')
    this.count(`message ${message}`)
    const what = this.draw()
    if (this.chance(0.04)) return this.part(e => e.textContent === 'cancel').onclick()
    if (!this.over && what < 0.35) return this.part(e => e.textContent === 'another').onclick()
    if (!this.over && what < 0.4) return this.part(e => e.textContent === 'listen').onclick()
    const correct = this.over || what > 0.6
    input.value = correct ? digits(image.src) : this.chance(0.3) ? '12' : '00000'
    const form = this.part(e => e.localName === 'form')
    if (!form.classes.has('busy') && input.value !== '12') this.#submitted = {dialog: this.body.children[0]!, id: image.src, correct, late: this.#open ? this.#expired : false}
    form.onsubmit({preventDefault() {}})
  }

  calls = 0

  async call(n: number): Promise<void> {
    this.calls++
    await this.pass(failurePhase)
    const ended = await outcome(this.client.get(`/v1/items/${n}`))
    if (this.#fault) throw this.#fault
    this.ended.push(ended === `/v1/items/${n}` ? 'data' : String(ended))
  }
}

/** The digits in the picture of an id. */
function digits(id: string): string {
  return String(Number(id.slice(1)) * 7919 % 99_999 + 1).padStart(5, '0')
}

const reasons = new Set(['data', 'challenge_required', 'unreachable', 'overloaded', 'token_expired'])

async function runOnce(seed: number): Promise<Record<string, number>> {
  const r = new RandomDialog(seed)
  const calls = Array.from({length: 1 + Math.floor(r.draw() * 12)}, (_, n) => r.call(n))
  const others = Array.from({length: Math.floor(r.draw() * 3)}, () => r.otherTab())
  const visitor = r.visit()
  await r.w.clock.run(1_000_000 + failurePhase * 4)
  assert.equal(r.ended.length, calls.length, 'every call has settled')
  await Promise.all([...calls, ...others, visitor]) // rejects if an assertion failed
  assert.deepEqual(r.ended.filter(ended => !reasons.has(ended)), [])
  assert.equal(r.body.children.length, 0, 'the dialog is closed')
  return r.counts
}

test('the dialog answers the picture that it shows, whatever happens in whatever order', async t => {
  assert.equal(problem('not_found').renewable, false)
  // The texts of the dialog are their keys.
  writeFileSync(new URL('dialog-en.mjs', import.meta.url), 'export default new Proxy({}, {get: (_, key) => key})')
  await loadTexts('en')
  const real = performance.now
  t.after(() => { performance.now = real })
  const base = Number(process.env['STILE_SEED'] ?? 1), all: Record<string, number> = {}
  for (let seed = base; seed < base + (process.env['STILE_SEED'] ? 1 : runs); seed++)
    try {
      for (const [what, n] of Object.entries(await runOnce(seed))) all[what] = (all[what] ?? 0) + n
    } catch (error) {
      throw new Error(`in the run of STILE_SEED=${seed}`, {cause: error})
    }
  t.diagnostic(JSON.stringify(all))
  if (process.env['STILE_SEED']) return
  const messages = ['wrong', 'old', 'next', 'unmade', 'unseen', 'short'].map(message => `message ${message}`)
  for (const what of ['picture solved', 'picture failed', 'picture late', 'work solved', 'work failed', 'reload 1', 'reload 4', 'answer of a closed challenge', 'reload of a closed challenge', ...messages])
    assert.ok(all[what], `never: ${what}`)
})
