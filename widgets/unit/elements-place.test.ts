import assert from 'node:assert/strict'
import {test} from 'node:test'
import {read, write, type Place} from '../src/elements/address'
import {Trail} from '../src/elements/trail'

const nowhere: Place = {q: null, collection: '', values: [], page: 1, cursor: ''}
const somewhere: Place = {q: 'plum & cake', collection: 'recipes', values: [['tag', 'a b'], ['attribute.course', 'Soup'], ['tag', 'ü'], ['attribute.bis=wann?', '=&'], ['attribute.course', 'Starter']], page: 3, cursor: 'abc_-'}

test('a place that is written is read again', () => {
  for (const kind of ['query', 'hash'] as const)
    for (const place of [nowhere, somewhere, {...nowhere, q: ''}])
      assert.deepEqual(read(write(new URL('https://site.example/page?theme=dark#top'), kind, place), kind), place, kind)
})

test('in the query, what is the page\'s own stays', () => {
  const url = write(new URL('https://site.example/page?theme=dark&attributes=own&q=old&tag=old&attribute.course=old&attribute.course=older#top'), 'query', {...nowhere, q: 'new'})
  assert.equal(url.href, 'https://site.example/page?theme=dark&attributes=own&q=new#top')
  assert.equal(write(url, 'query', nowhere).href, 'https://site.example/page?theme=dark&attributes=own#top')
})

test('an address that others wrote leads somewhere too', () => {
  assert.deepEqual(read(new URL('https://site.example/#chapter-2'), 'hash'), nowhere)
  assert.deepEqual(read(new URL('https://site.example/?page=7'), 'query'), nowhere, 'a page without its cursor is the first')
  assert.equal(read(new URL('https://site.example/?page=-1&cursor=x'), 'query').page, 2)
  assert.equal(read(new URL('https://site.example/?page=many&cursor=x'), 'query').page, 2)
})

test('a trail leads back the way that it came', () => {
  const third = new Trail().next('b').next('c')
  assert.deepEqual([third.page, third.cursor], [3, 'c'])
  assert.deepEqual([third.before?.page, third.before?.cursor], [2, 'b'])
  assert.equal(third.before?.before?.cursor, '')
  assert.equal(third.before?.before?.before, null)
})

test('before a page that was linked to comes the first', () => {
  const fourth = Trail.at(4, 'd')
  assert.deepEqual([fourth.page, fourth.cursor, fourth.before?.page], [4, 'd', 1])
  assert.equal(Trail.at(2, 'b').before?.cursor, '')
})

test('a history entry of another page, or of others, is no trail to here', () => {
  const kept = new Trail().next('b').next('c').cursors
  assert.equal(Trail.kept({stile: kept}, 3, 'c').before?.cursor, 'b')
  for (const state of [null, 'text', {stile: 5}, {stile: []}, {stile: kept.slice(0, 2)}]) assert.equal(Trail.kept(state, 3, 'c').before?.page, 1)
})
