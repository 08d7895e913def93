/** The server's time, which proofs need. */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {answered, outcome, refused, FakePorts} from './fake-ports'

/** Ports whose server only accepts proofs with its own time, 5,000 s. Our time is 1,000 s. */
function wrongClock(): FakePorts {
  const w = new FakePorts()
  w.config.token = 't'
  w.prover = {proof: async (_method, _url, _token, now) => String(now)}
  w.server = ({proof}) => proof === '5000000' ? answered() : refused('proof_invalid', {now: 5000})
  return w
}

test('the corrected time is stored for the next page view', async () => {
  const w = wrongClock()
  assert.equal(await outcome(new Client(w).get('/a')), 'data')
  assert.equal(await outcome(new Client(w).get('/b')), 'data')
  assert.deepEqual(w.sent.map(({path}) => path), ['/a', '/a', '/b'])
})

test('an invalid stored time is ignored', async () => {
  const w = wrongClock()
  w.stored.set('stile:clock', 'cuckoo')
  assert.equal(await outcome(new Client(w).get('/a')), 'data')
  assert.equal(w.sent[0]!.proof, '1000000')
})

test('other refusals do not change it', async () => {
  const w = wrongClock()
  w.server = () => refused('not_found', {now: 5000})
  assert.equal(await outcome(new Client(w).get('/a')), 'not_found')
  assert.equal(w.sent.length, 1)
  assert.equal(w.stored.get('stile:clock'), undefined)
})
