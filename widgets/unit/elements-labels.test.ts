/** Labels, filters and notices, without a browser. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {correctedQuery} from '../src/elements/corrected'
import {isRange, validFilters} from '../src/elements/filters'

test('ranges in a URL are valid or left out', () => {
  assert.deepEqual(validFilters([['tag', 'a'], ['tag', 'b'], ['min.minutes', '5'], ['min.minutes', '7'], ['max.minutes', 'many'], ['min.published_at', '2026-01-31'], ['max.published_at', '2026-01-31T10:00:00Z'], ['min.x', '-1.5'], ['max.x', '']]),
    [['tag', 'a'], ['tag', 'b'], ['min.minutes', '5'], ['min.published_at', '2026-01-31'], ['max.published_at', '2026-01-31T10:00:00Z'], ['min.x', '-1.5']])
})

test('a filter is an end of a range, or of the range of one name', () => {
  assert.deepEqual(['min.a', 'max.a', 'attribute.min.a', 'minutes'].map(name => isRange(name)), [true, true, false, false])
  assert.deepEqual(['min.a', 'max.a', 'min.ab'].map(name => isRange(name, 'a')), [true, true, false])
})

test('the corrected query keeps what was not corrected', () => {
  assert.equal(correctedQuery('Plum  Recipie, no. 5', [['recipie', 'recipe']]), 'Plum  recipe, no. 5')
  assert.equal(correctedQuery('Récipié', [['recipie', 'recipe']]), 'recipe')
  assert.equal(correctedQuery('constructor', undefined), 'constructor')
  assert.equal(correctedQuery('constructor plum', [['plumm', 'plum']]), 'constructor plum')
})
