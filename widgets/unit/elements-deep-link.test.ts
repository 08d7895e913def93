import assert from 'node:assert/strict'
import {test} from 'node:test'
import {hasDeepLink, hashOf, placeOf, readDeepLink, writeDeepLink, type DeepLink} from '../src/elements/deep-link'
import {PageHistory} from '../src/elements/page-history'
import {queryOf} from '../src/elements/query-text'

const noSearch: DeepLink = {q: null, collection: '', sort: '', exact: false, values: [], page: 1, cursor: ''}
const search: DeepLink = {q: 'plum & cake', collection: 'recipes', sort: 'newest', exact: true, values: [['min.minutes', '5'], ['max.published_at', '2026-01-01'], ['tag', 'a b'], ['attribute.course', 'Soup'], ['tag', 'ü'], ['attribute.bis=wann?', '=&'], ['attribute.course', 'Starter']], page: 3, cursor: 'abc_-'}

test("the page's own parameters with our names do not hide our parameters", () => {
  for (const kind of ['query', 'hash'] as const) {
    const page = new URL('https://site.example/?sort=price&exact=yes#/list?sort=price&exact=yes')
    assert.deepEqual(readDeepLink(writeDeepLink(page, kind, search), kind), search, kind)
  }
})

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

test('what is not the layer\'s keeps its spelling', () => {
  for (const [from, to] of [
    ['?flag&a=b%20c&x=1/2', '?flag&a=b%20c&x=1/2&q=plum'], ['?sort=price&q=old', '?sort=price&q=plum'], ['?minutes=5&min.minutes=5', '?minutes=5&q=plum'],
  ] as const) {
    const url = writeDeepLink(new URL('https://site.example/' + from), 'query', {...noSearch, q: 'plum'})
    assert.equal(url.search, to)
    assert.equal(readDeepLink(url, 'query').sort, '')
  }
})

test('a hash keeps its route, its anchor, and the page\'s parameters', () => {
  for (const [from, to] of [
    ['', '#q=plum'], ['#top', '#top?q=plum'], ['#/recipes', '#/recipes?q=plum'], ['#!/recipes/a=b', '#!/recipes/a=b?q=plum'],
    ['#/recipes?tab=2&q=old&page=2&cursor=x', '#/recipes?tab=2&q=plum'], ['#theme=dark&q=old', '#theme=dark&q=plum'], ['#recipes/3?q=a?b', '#recipes/3?q=plum'],
    ['#q=what?&tag=old', '#q=plum'],
  ] as const) {
    const before = new URL('https://site.example/page?q=own' + from), url = writeDeepLink(before, 'hash', {...noSearch, q: 'plum'})
    assert.equal(url.href, 'https://site.example/page?q=own' + to)
    assert.equal(readDeepLink(url, 'hash').q, 'plum')
    assert.equal(placeOf(url, 'hash'), placeOf(before, 'hash'), 'a search does not change the place')
  }
  assert.equal(writeDeepLink(new URL('https://site.example/#/recipes?q=old'), 'hash', noSearch).hash, '#/recipes')
  assert.deepEqual(hashOf(new URL('https://site.example/#/a?b=c?d')), {route: '/a', params: 'b=c?d'})
})

test('a URL without a search says so', () => {
  for (const [url, kind, has] of [
    ['?sort=price&pages=2', 'query', false], ['?q=', 'query', true], ['?sort=title', 'query', true], ['#q=a', 'query', false],
    ['?q=a', 'hash', false], ['#q', 'hash', false], ['#/a?max.minutes=5', 'hash', true], ['#tag=a', 'hash', true],
  ] as const) assert.equal(hasDeepLink(new URL('https://site.example/' + url), kind), has, url)
})

test('of more filters than the API accepts, the first are read', () => {
  const params = new URLSearchParams(Array.from({length: 20}, (_, i) => [i % 2 ? 'tag' : 'attribute.course', String(i)]))
  assert.deepEqual(readDeepLink(new URL(`https://site.example/?${params.toString()}`), 'query').values.map(([, value]) => Number(value)), Array.from({length: 16}, (_, i) => i))
})

test('a query is cut to what the API accepts', () => {
  assert.equal(queryOf('  plum cake '), 'plum cake')
  assert.equal(queryOf('a'.repeat(64) + ' b'), 'a'.repeat(64) + ' b')
  assert.equal(queryOf('see ' + 'ü'.repeat(70) + '-' + '😀'.repeat(3)), 'see ' + 'ü'.repeat(64) + '-😀😀😀')
  assert.equal(queryOf('a\u200c'.repeat(80)), 'a\u200c'.repeat(32))
  assert.equal(queryOf('ab '.repeat(300)).length, 512)
  assert.equal([...queryOf('😀 '.repeat(300))].length, 511, 'no half of a character remains')
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
