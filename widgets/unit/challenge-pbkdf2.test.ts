/** PBKDF2 in plain JavaScript, compared with the vectors of RFC 7914 and with Node's. */
import assert from 'node:assert/strict'
import {createHash, pbkdf2Sync} from 'node:crypto'
import {test} from 'node:test'
import {pbkdf2} from '../src/challenge/pbkdf2'

const derive = pbkdf2()
const text = (s: string) => new TextEncoder().encode(s)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('RFC 7914, section 11: the results are the first 32 of the vectors\' 64 bytes', () => {
  assert.equal(hex(derive(text('passwd'), text('salt'), 1)), '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc')
  assert.equal(hex(derive(text('Password'), text('NaCl'), 80000)), '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56')
})

test('the results equal those of Node\'s crypto, for all lengths of passwords and salts', () => {
  for (let n = 0; n <= 64; n++) {
    const password = bytes('password', n)
    const salt = bytes('salt', n % 52)
    const iterations = 1 + n % 4
    assert.equal(hex(derive(password, salt, iterations)), pbkdf2Sync(password, salt, iterations, 32, 'sha256').toString('hex'), `${n} bytes`)
  }
})

test('a derivation does not change the result of the next', () => {
  const alone = hex(pbkdf2()(text('a'), text('b'), 3))
  derive(bytes('long', 64), bytes('longer', 51), 2)
  assert.equal(hex(derive(text('a'), text('b'), 3)), alone)
})

/** Returns pseudorandom bytes, which are the same in every run. */
function bytes(seed: string, length: number): Uint8Array {
  const blocks = Array.from({length: Math.ceil(length / 32)}, (_, i) => createHash('sha256').update(`${seed} ${length} ${i}`).digest())
  return new Uint8Array(Buffer.concat(blocks).subarray(0, length))
}
