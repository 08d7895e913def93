/** The server's clock, by which proofs are made. */
import './events'
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Client} from '../src/client'
import {answered, outcome, refused, World} from './world'

/** A world whose server's time is 5,000 s, and takes proofs of that time alone; ours is 1,000 s. */
function wrongClock(): World {
  const w = new World()
  w.config.token = 't'
  w.prover = {proof: async (_method, _url, _token, now) => String(now)}
  w.server = ({proof}) => proof === '5000000' ? answered() : refused('proof_invalid', {now: 5000})
  return w
}

test('a clock that was set is set for the next page view too', async () => {
  const w = wrongClock()
  assert.equal(await outcome(new Client(w).get('/a')), 'data')
  assert.equal(await outcome(new Client(w).get('/b')), 'data')
  assert.deepEqual(w.sent.map(({path}) => path), ['/a', '/a', '/b'])
})

test('what a page has put in its place is no clock', async () => {
  const w = wrongClock()
  w.kept.set('stile:clock', 'cuckoo')
  assert.equal(await outcome(new Client(w).get('/a')), 'data')
  assert.equal(w.sent[0]!.proof, '1000000')
})

test('no other refusal sets it', async () => {
  const w = wrongClock()
  w.server = () => refused('not_found', {now: 5000})
  assert.equal(await outcome(new Client(w).get('/a')), 'not_found')
  assert.equal(w.sent.length, 1)
  assert.equal(w.kept.get('stile:clock'), undefined)
})
