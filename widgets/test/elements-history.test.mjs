/** The search box, the address and the results agree, whatever the visitor and the page do. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {focusIn, textsIn, untilIn} from './elements.mjs'
import {browsers, harness} from './harness.mjs'

const words = ['plum', 'apple', 'pear', 'cherry'], courses = ['dessert', 'starter'], tags = ['cake', 'soup', 'pie']
const cakes = Array.from({length: 48}, (_, i) => ({
  id: `item-${i}`, collection: 'recipes', title: `${words[i % 4]} number ${i}`, summary: `A ${tags[i % 3]} for a ${courses[i % 2]}.`, tags: [tags[i % 3]], attributes: {course: courses[i % 2]},
}))

/** Removes the Navigation API, as in browsers that don't have it. */
const without = '<script>Object.defineProperty(window, "navigation", {value: undefined})</script>'

/** Opens a page with a box and results. */
function open(w, kind, {before = '', results = '', head = ''} = {}) {
  return w.open(`${w.script()}${before}<stile-search></stile-search><stile-results deep-link="${kind}" facets="tag,course" page-size="3" link="/recipes/{id}" ${results}></stile-results>`, {head})
}

/** Reports in the page what disagrees with the address, or "" if nothing does. */
async function disagreement(kind, own) {
  const results = document.querySelector('stile-results'), root = results.shadowRoot, box = document.querySelector('stile-search').shadowRoot.querySelector('input')
  const params = new URLSearchParams(kind === 'query' ? location.search : location.hash.slice(1).replace(/^[^?=]*\?/, ''))
  if (root.querySelector('.content').ariaBusy !== 'false') return 'busy'
  const q = params.get('q') ?? own, said = {box: box.value, query: results.query}
  if (said.box !== q || said.query !== q) return JSON.stringify({q, ...said})
  const chosen = name => [...root.querySelectorAll(`[name=${name}]:checked`)].map(input => input.value).sort().join()
  const values = {tag: params.getAll('tag'), 'attribute.course': params.getAll('attribute.course')}
  if (chosen('tag') !== values.tag.sort().join() || chosen('course') !== values['attribute.course'].sort().join()) return JSON.stringify({values, tag: chosen('tag'), course: chosen('course')})
  const page = root.querySelector('.page')?.innerText ?? 'Page 1'
  if (!page.startsWith(`Page ${params.get('page') ?? 1}`)) return `${page} instead of ${params.get('page')}`
  const address = location.href
  const {data} = await Stile.get('/v1/items', {q: q || undefined, ...values, cursor: params.get('cursor') ?? undefined, limit: 3})
  const there = [...root.querySelectorAll('.title')].map(node => node.innerText).join(), wanted = data.map(item => item.title).join()
  if (there !== wanted || address !== location.href) return `${there} instead of ${wanted} at ${location.href}`
  return document.title === 'A page' ? '' : document.title
}

/** Waits until everything agrees with the address. */
async function untilAgreed(w, page, kind, own = '', what = '') {
  let why = ''
  try {
    await w.untilTrue(async () => !(why = await page.evaluate(disagreement, kind, own)), 'agreement')
  } catch {
    assert.fail(`${what}: ${why} at ${page.url()}`)
  }
}

/** Types into the box, in place of its text. */
async function type(page, text) {
  await focusIn(page, 'stile-search', 'input')
  await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').select())
  await page.keyboard.press('Backspace')
  await page.keyboard.type(text)
}

const address = page => page.evaluate(() => location.href)
const boxText = page => page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').value)

/** Returns a generator of numbers from 0 to below n, from a seed (mulberry32). */
function dice(seed) {
  return n => {
    seed = seed + 0x6D2B79F5 | 0
    let x = Math.imul(seed ^ seed >>> 15, 1 | seed)
    x = x + Math.imul(x ^ x >>> 7, 61 | x) ^ x
    return ((x ^ x >>> 14) >>> 0) % n
  }
}

const click = (page, selector) => page.evaluate(selector => {
  const node = document.querySelector('stile-results').shadowRoot.querySelector(selector)
  if (node && !node.disabled) node.click()
}, selector)

/** The steps that change the search. */
const steps = {
  search: async (page, roll) => {
    await type(page, words[roll(4)])
    await page.keyboard.press('Enter')
  },
  clear: async page => {
    await type(page, '')
    await page.keyboard.press('Enter')
  },
  facet: (page, roll) => click(page, `[name=${roll(2) ? 'tag' : 'course'}]`),
  next: page => click(page, '.next'),
  previous: page => click(page, '.previous'),
  router: (page, roll, kind) => page.evaluate((kind, q) => history.pushState({mine: q}, '', kind === 'query' ? `?theme=dark&q=${q}` : `#theme=dark&q=${q}`), kind, words[roll(4)]),
  sameAddress: page => page.evaluate(() => history.pushState({modal: true}, '')),
}

for (const browser of browsers) {
  for (const kind of ['query', 'hash'])
    test(`${browser.name}: random searches, filters, pages, back, forward and reload with deep-link="${kind}"`, async t => {
      const w = await harness(t, browser, {items: cakes})
      const seed = Number(process.env.STILE_SEED) || (kind === 'query' ? 7 : 11), roll = dice(seed)
      const page = await open(w, kind, {results: 'query="cake"', head: kind === 'hash' ? without : ''})
      await untilAgreed(w, page, kind, 'cake', 'start')
      let entries = [await address(page)], at = 0
      const move = async by => {
        const to = at + by
        if (!entries[to]) return
        if (roll(2)) await type(page, 'half a word')
        await page.evaluate(() => {
          globalThis.traversed = false
          addEventListener('popstate', () => { globalThis.traversed = true }, {once: true})
        })
        await page.evaluate(by => { if (Math.abs(by) > 1) for (let n = Math.abs(by); n > 0; n--) history.go(Math.sign(by)); else history.go(by) }, by)
        // Entries may have the same address.
        await w.untilTrue(async () => await page.evaluate(() => globalThis.traversed !== false) && await address(page) === entries[to], `${by} to ${entries[to]}`)
        at = to
      }
      for (let step = 0; step < 45; step++) {
        const what = `seed ${seed}, step ${step}: `, names = Object.keys(steps), name = names[roll(names.length)], kindOfStep = roll(9)
        if (kindOfStep < 5) {
          const before = await page.evaluate(() => history.length), from = await address(page)
          await steps[name](page, roll, kind)
          await untilAgreed(w, page, kind, 'cake', what + name)
          const there = await address(page)
          if (there !== from || name === 'sameAddress' || name === 'router') {
            if (at === entries.length - 1) assert.equal(await page.evaluate(() => history.length), Math.min(50, before + 1), `${what}${name} adds one entry`)
            entries = [...entries.slice(0, at + 1), there]
            at++
          }
        } else if (kindOfStep < 8) await move([-1, -1, 1, -2][roll(4)])
        else await page.reload()
        await untilIn(w, page, 'stile-results', '.count')
        await untilAgreed(w, page, kind, 'cake', `${what}${name} ${kindOfStep} of ${entries.join(' ')} at ${at}`)
      }
      assert.deepEqual(w.watch.complaints, [])
    })

  test(`${browser.name}: a router's pushState is followed, with and without the Navigation API`, async t => {
    const w = await harness(t, browser, {items: cakes})
    for (const head of ['', without]) {
      // Wrappers of the page, from before and after the layer's.
      const wrapper = '<script>globalThis.noted = []; { const {pushState} = history; history.pushState = function (...args) { noted.push("early"); return pushState.apply(this, args) } }</script>'
      const page = await open(w, 'query', {head: head + wrapper, before: '<stile-item item-from="url"></stile-item>'})
      await untilAgreed(w, page, 'query')
      await page.evaluate(() => {
        const {replaceState} = History.prototype
        History.prototype.replaceState = function (...args) { noted.push('late'); return replaceState.apply(this, args) }
      })
      await page.evaluate(() => history.pushState({}, '', '?item=item-3&q=pear'))
      await w.until(page, () => document.querySelector('stile-item').shadowRoot.querySelector('.title')?.innerText === 'cherry number 3')
      await untilAgreed(w, page, 'query')
      await page.evaluate(() => history.replaceState({}, '', '?item=item-4&q=apple'))
      await w.until(page, () => document.querySelector('stile-item').shadowRoot.querySelector('.title')?.innerText === 'plum number 4')
      await untilAgreed(w, page, 'query')
      assert.equal(await boxText(page), 'apple')
      assert.deepEqual(await page.evaluate(() => noted), ['early', 'late'], 'each wrapper gets its calls once')
      await page.evaluate(() => { location.hash = 'item=ignored' })
      await page.evaluate(() => history.back())
      await untilAgreed(w, page, 'query')
      await page.evaluate(() => history.back())
      await w.until(page, () => location.search === '')
      await untilAgreed(w, page, 'query')
      assert.deepEqual(w.watch.complaints, [])
      await page.close()
    }
  })

  test(`${browser.name}: the item follows the address, and stays when an anchor is followed`, async t => {
    const w = await harness(t, browser, {items: cakes})
    for (const head of ['', without]) {
      const page = await w.open(`${w.script()}<h2 id="main">Main</h2><stile-item item-from="url"></stile-item>`, {head})
      const title = text => w.until(page, text => document.querySelector('stile-item').shadowRoot.querySelector('.title')?.innerText === text, text)
      await page.evaluate(() => history.pushState({}, '', '?item=item-1'))
      await title('apple number 1')
      await page.evaluate(() => history.replaceState({}, '', location.pathname + '#item-2'))
      await title('pear number 2')
      const calls = w.api.calls('/v1/items/').length
      await page.evaluate(() => { location.hash = 'main' })
      await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 50)))
      await title('pear number 2')
      assert.equal(w.api.calls('/v1/items/').length, calls, 'no call')
      await page.evaluate(() => { location.hash = '/recipes?item=item-5&tab=2' })
      await title('apple number 5')
      await page.evaluate(() => history.back())
      await page.evaluate(() => history.back())
      await title('pear number 2')
      assert.deepEqual(w.watch.complaints, [])
      await page.close()
    }
  })

  test(`${browser.name}: a hash router's routes and anchors are left alone`, async t => {
    const w = await harness(t, browser, {items: cakes})
    const page = await open(w, 'hash', {before: '<h2 id="top">Top</h2>'})
    await untilAgreed(w, page, 'hash')
    const hash = () => page.evaluate(() => location.hash)
    const calls = () => w.api.calls('/v1/items').filter(({form}) => form.get('facets')).length
    await page.evaluate(() => { location.hash = '/recipes?tab=2' })
    await type(page, 'plum')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.hash === '#/recipes?tab=2&q=plum')
    await untilAgreed(w, page, 'hash')
    const before = calls()
    for (const other of ['#/about', '#top']) {
      await page.evaluate(hash => { location.hash = hash }, other)
      await page.evaluate(() => document.querySelector('stile-results').layout = 'grid')
      await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 50)))
      assert.equal(await hash(), other, 'it is not overwritten')
      assert.equal(await boxText(page), 'plum', 'it is not read')
    }
    assert.equal(calls(), before)
    await page.evaluate(() => history.go(-3))
    await w.until(page, () => location.hash === '#/recipes?tab=2')
    await page.evaluate(() => history.forward())
    await w.until(page, () => location.hash === '#/recipes?tab=2&q=plum')
    await untilAgreed(w, page, 'hash')
    await page.evaluate(() => history.go(-2))
    await w.until(page, () => location.hash === '')
    await untilAgreed(w, page, 'hash')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a page that comes back from the cache shows its own search, not what was typed`, async t => {
    const w = await harness(t, browser, {items: cakes})
    const page = await open(w, 'query')
    await type(page, 'plum')
    await page.keyboard.press('Enter')
    await untilAgreed(w, page, 'query')
    await type(page, 'something else')
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})))
    assert.equal(await boxText(page), 'plum')
    await untilAgreed(w, page, 'query')
  })

  // Not in Firefox, whose driver loses pages that were in its cache. The test above has the event.
  if (browser.name === 'chromium') test(`${browser.name}: back from another document shows the search of the address`, async t => {
    const w = await harness(t, browser, {items: cakes})
    const other = w.site.add('/other.html', '<!doctype html><title>Other</title>')
    // The page reports its state itself, also if it comes from the cache.
    const before = `<script>addEventListener('pageshow', () => setInterval(() => {
      const box = document.querySelector('stile-search').shadowRoot?.querySelector('input')
      if (box) void fetch('/report/' + encodeURIComponent(location.search + ' ' + box.value))
    }, 100))</script>`
    const page = await open(w, 'query', {before})
    await page.goto(w.site.add('/cached.html', await page.content(), {headers: {'cache-control': 'max-age=60'}}))
    await untilAgreed(w, page, 'query')
    for (const q of ['plum', 'pear']) {
      await type(page, q)
      await page.keyboard.press('Enter')
      await untilAgreed(w, page, 'query')
    }
    await type(page, 'half a word')
    await page.goto(other)
    w.site.requests.length = 0
    await page.evaluate(() => { setTimeout(() => history.go(-2), 200) })
    const report = `/report/${encodeURIComponent('?q=plum plum')}`
    await w.untilTrue(() => w.site.requests.some(({path}) => path === report), report)
  })

  test(`${browser.name}: of more filters than the API accepts, the last is not chosen`, async t => {
    const many = Array.from({length: 10}, (_, i) => `tag ${i}`)
    const w = await harness(t, browser, {items: [{id: 'a', collection: 'recipes', title: 'A', tags: many}]})
    for (const link of ['', 'deep-link="query"']) {
      const page = await w.open(`${w.script()}<stile-search></stile-search><stile-results facets="tag" ${link} link="/recipes/{id}"></stile-results>`)
      await untilIn(w, page, 'stile-results', '.more-values')
      await click(page, '.more-values')
      for (let n = 1; n <= 9; n++) {
        await click(page, 'input:not(:checked)')
        await w.until(page, n => {
          const root = document.querySelector('stile-results').shadowRoot
          return root.querySelector('.content').ariaBusy === 'false' && root.querySelectorAll('input:checked').length === Math.min(8, n)
        }, n)
      }
      assert.equal(w.api.calls('/v1/items').at(-1).form.getAll('tag').length, 8)
      assert.deepEqual(await textsIn(page, 'stile-results', '.message'), [])
      await page.close()
    }
  })

  test(`${browser.name}: a search box in another shadow root, and page state of any kind, agree too`, async t => {
    const w = await harness(t, browser, {items: cakes})
    const page = await open(w, 'query', {before: '<div id="host"></div>'})
    await untilAgreed(w, page, 'query')
    await page.evaluate(() => {
      document.querySelector('#host').attachShadow({mode: 'open'}).append(document.createElement('stile-search'))
      history.replaceState('text', '')
      document.querySelector('stile-results').query = 'plum'
    })
    await untilAgreed(w, page, 'query')
    assert.deepEqual(await page.evaluate(() => Object.keys(history.state)), ['stile'])
    assert.equal(await page.evaluate(() => document.querySelector('#host').shadowRoot.firstChild.shadowRoot.querySelector('input').value), 'plum')
    await page.evaluate(() => {
      history.replaceState({...history.state, router: 5}, '')
      document.querySelector('stile-results').query = 'pear'
    })
    await untilAgreed(w, page, 'query')
    assert.equal(await page.evaluate(() => history.state.router), 5, 'the state of the page stays')
  })

  test(`${browser.name}: a cloned element, as a page cache makes it, adds no entry`, async t => {
    const w = await harness(t, browser, {items: cakes})
    const page = await open(w, 'query')
    await page.evaluate(() => document.querySelector('stile-results').query = 'plum')
    await untilAgreed(w, page, 'query')
    const length = await page.evaluate(() => history.length)
    await page.evaluate(() => document.querySelector('stile-results').replaceWith(document.querySelector('stile-results').cloneNode(true)))
    await untilAgreed(w, page, 'query')
    assert.match(await address(page), /\?q=plum$/)
    assert.equal(await page.evaluate(() => history.length), length)
  })

  test(`${browser.name}: a stale cursor leads to the first page, and the address is corrected`, async t => {
    const w = await harness(t, browser, {items: cakes})
    for (const kind of ['query', 'hash']) {
      const page = await open(w, kind)
      await untilAgreed(w, page, kind)
      const length = await page.evaluate(() => history.length)
      const stale = `${kind === 'query' ? '?' : '#'}q=plum&page=7&cursor=${'A'.repeat(40)}`
      await Promise.all([kind === 'query' && page.waitForNavigation(), page.evaluate(to => location.replace(to), stale)])
      await untilIn(w, page, 'stile-results', '.count')
      await w.untilTrue(async () => !(await address(page)).includes('cursor'), 'the address to be corrected')
      await untilAgreed(w, page, kind)
      assert.equal(await page.evaluate(() => history.length), length)
      assert.deepEqual(await textsIn(page, 'stile-results', '.message'), [])
      assert.deepEqual((await w.untilEvents(page, 'stile:load')).length > 0, true)
      await page.close()
    }
  })

  test(`${browser.name}: a document without a history searches without an address`, async t => {
    const w = await harness(t, browser, {items: cakes, listed: false})
    const page = await open(w, 'query')
    await untilAgreed(w, page, 'query')
    await page.evaluate(() => {
      history.pushState = () => { throw new DOMException('too many calls', 'SecurityError') }
      document.querySelector('stile-results').query = 'plum'
    })
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText === '12 results for “plum”')
    assert.deepEqual(w.watch.complaints, [])
  })
}
