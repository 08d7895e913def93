import assert from 'node:assert/strict'
import {test} from 'node:test'
import {readDeepLink, writeDeepLink, type DeepLink} from '../src/elements/deep-link'
import {PageHistory} from '../src/elements/page-history'

const noSearch: DeepLink = {q: null, collection: '', values: [], sort: '', exact: false, page: 1, cursor: ''}
const search: DeepLink = {q: 'plum & cake', collection: 'recipes', values: [['tag', 'a b'], ['attribute.course', 'Soup'], ['tag', 'ü'], ['attribute.bis=wann?', '=&'], ['attribute.course', 'Starter'], ['min.minutes', '5'], ['max.published_at', '2026-01-31']], sort: 'newest', exact: true, page: 3, cursor: 'abc_-'}

test('a search that is written is read again', () => {
  for (const kind of ['query', 'hash'] as const)
    for (const link of [noSearch, search, {...noSearch, q: ''}])
      assert.deepEqual(readDeepLink(writeDeepLink(new URL('https://site.example/page?theme=dark#top'), kind, link), kind), link, kind)
})

test('the page\'s own query parameters stay', () => {
  const url = writeDeepLink(new URL('https://site.example/page?theme=dark&attributes=own&q=old&tag=old&attribute.course=old&attribute.course=older#top'), 'query', {...noSearch, q: 'new'})
  assert.equal(url.href, 'https://site.example/page?theme=dark&attributes=own&q=new#top')
  assert.equal(writeDeepLink(url, 'query', noSearch).href, 'https://site.example/page?theme=dark&attributes=own#top')
})

test('a URL that stile did not write is read, too', () => {
  assert.deepEqual(readDeepLink(new URL('https://site.example/#chapter-2'), 'hash'), noSearch)
  assert.deepEqual(readDeepLink(new URL('https://site.example/?page=7'), 'query'), noSearch, 'a page without its cursor is the first')
  assert.equal(readDeepLink(new URL('https://site.example/?page=-1&cursor=x'), 'query').page, 2)
  assert.equal(readDeepLink(new URL('https://site.example/?page=many&cursor=x'), 'query').page, 2)
})

test('the history leads back through the same pages', () => {
  const third = new PageHistory().next('b').next('c')
  assert.deepEqual([third.page, third.cursor], [3, 'c'])
  assert.deepEqual([third.previous?.page, third.previous?.cursor], [2, 'b'])
  assert.equal(third.previous?.previous?.cursor, '')
  assert.equal(third.previous?.previous?.previous, null)
})

test('the first page comes before a page that was opened by a link', () => {
  const fourth = PageHistory.at(4, 'd')
  assert.deepEqual([fourth.page, fourth.cursor, fourth.previous?.page], [4, 'd', 1])
  assert.equal(PageHistory.at(2, 'b').previous?.cursor, '')
})

test('a history entry of another page or script is not used', () => {
  const stored = new PageHistory().next('b').next('c').cursors
  assert.equal(PageHistory.restore({stile: stored}, 3, 'c').previous?.cursor, 'b')
  for (const state of [null, 'text', {stile: 5}, {stile: []}, {stile: stored.slice(0, 2)}]) assert.equal(PageHistory.restore(state, 3, 'c').previous?.page, 1)
})
