/** So many at a time, and none lost. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {Slots} from '../src/slots'

test('a slot that was given to a waiter who left in the same moment goes to the next', async () => {
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
