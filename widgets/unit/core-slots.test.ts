/** Slots limit concurrent calls, and none is lost. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Slots} from '../src/slots'

test('a slot goes to the next call if the first one aborts at the same moment', async () => {
  const slots = new Slots(1), left = new AbortController()
  const release = await slots.take()
  const gone = slots.take(left.signal).catch(error => error.name)
  const next = slots.take()
  release()
  left.abort()
  assert.equal(await gone, 'AbortError')
  const last = await next
  last()
  ;(await slots.take())()
})
