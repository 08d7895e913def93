/** The search for a counter, compared with ALTCHA's own solver and verifier. */
import assert from 'node:assert/strict'
import {createHmac, pbkdf2Sync, webcrypto} from 'node:crypto'
import {test} from 'node:test'
import {solveChallenge, verifySolution} from 'altcha-lib'
import {deriveKey} from 'altcha-lib/algorithms/pbkdf2'
import {pbkdf2} from '../src/challenge/pbkdf2'
import {search} from '../src/challenge/search'

const nonce = '00112233445566778899aabbccddeeff'
const salt = 'f0e1d2c3b4a5968778695a4b3c2d1e0f'

/** Returns a challenge like the server's, with ten iterations. */
function parametersOf(counter: number, prefixLength = 32) {
  const password = Buffer.from(nonce + counter.toString(16).padStart(8, '0'), 'hex')
  const key = pbkdf2Sync(password, Buffer.from(salt, 'hex'), 10, 32, 'sha256').toString('hex')
  return {algorithm: 'PBKDF2/SHA-256', cost: 10, expiresAt: 4102444800, keyLength: 32, keyPrefix: key.slice(0, prefixLength), nonce, salt}
}

const unused = () => { throw new Error('plain JavaScript was used') }

/** Runs as on an insecure origin, which has no crypto.subtle. */
const insecurely = <T>(fn: () => Promise<T>) => withCrypto({}, fn)

/** Runs as on a secure origin. Node has a global crypto since version 20. */
const securely = <T>(fn: () => Promise<T>) => withCrypto(webcrypto, fn)

async function withCrypto<T>(value: object, fn: () => Promise<T>): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
  Object.defineProperty(globalThis, 'crypto', {value, configurable: true})
  try {
    return await fn()
  } finally {
    Reflect.deleteProperty(globalThis, 'crypto')
    if (own) Object.defineProperty(globalThis, 'crypto', own)
  }
}

for (const counter of [0, 1, 255, 256, 700]) {
  test(`counter ${counter} is found with crypto.subtle and without`, async () => {
    const lane = {parameters: parametersOf(counter), first: 0, step: 1}
    assert.equal(await securely(() => search(lane, unused)), counter)
    assert.equal(await insecurely(() => search(lane, pbkdf2())), counter)
  })
}

test('an ALTCHA solver finds the same counter, and an ALTCHA verifier accepts it', async () => {
  const parameters = parametersOf(321)
  const counter = await insecurely(() => search({parameters, first: 0, step: 1}, pbkdf2()))
  // altcha-lib only verifies parameters that it has signed, in their order.
  const hmacSignatureSecret = 'of this test'
  const challenge = {parameters, signature: createHmac('sha256', hmacSignatureSecret).update(JSON.stringify(parameters)).digest('hex')}
  const theirs = await solveChallenge({challenge, deriveKey})
  assert.equal(theirs?.counter, counter)
  const solution = {...theirs!, counter}
  assert.equal((await verifySolution({challenge, solution, deriveKey, hmacSignatureSecret})).verified, true)
  assert.equal((await verifySolution({challenge, solution: {...solution, counter: counter + 1}, deriveKey, hmacSignatureSecret})).verified, false)
})

test('a lane tries only its own counters', async () => {
  const tried: number[] = []
  const note = (password: Uint8Array) => {
    tried.push(new DataView(password.buffer).getUint32(password.length - 4))
    return new Uint8Array(32).fill(tried.length === 4 ? 0xab : 0)
  }
  const parameters = {...parametersOf(0), keyPrefix: 'abab'}
  assert.equal(await insecurely(() => search({parameters, first: 1, step: 3}, note)), 10)
  assert.deepEqual(tried, [1, 4, 7, 10])
})

test('the function between keys can stop the search', async () => {
  let keys = 0
  const stop = () => { if (++keys === 3) throw new Error('enough') }
  await assert.rejects(insecurely(() => search({parameters: parametersOf(700), first: 0, step: 1}, pbkdf2(), stop)), /enough/)
  assert.equal(keys, 3)
})
