/** Pages that are careless or hostile: changed prototypes, style rules and scripts. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, events, get, harness} from './harness.mjs'
import {fourWidgets, loaded, shownText, untilAllShown, untilShown} from './harness/widgets.mjs'

/** Like old libraries: enumerable members of prototypes, and toJSON methods on arrays. */
function pollute() {
  Object.prototype.extra = 'extra'
  Array.prototype.toJSON = function () { return `[${this.join()}]` }
  String.prototype.toJSON = function () { return '"' + this + '"' }
  Array.prototype.each = function () {}
}

/** Like monitors and polyfills: replaces the page's functions after the layer is loaded. */
function replace() {
  globalThis.seen = []
  const wrap = (owner, name) => {
    const original = owner[name]
    owner[name] = function (...given) {
      seen[seen.length] = name
      return original.apply(this, given)
    }
  }
  for (const name of ['map', 'filter', 'forEach', 'push', 'join', 'includes']) wrap(Array.prototype, name)
  for (const name of ['then', 'catch', 'finally']) wrap(Promise.prototype, name)
  for (const name of ['parse', 'stringify']) wrap(JSON, name)
  globalThis.fetch = (...given) => {
    seen[seen.length] = `fetch ${given[0]} ${given[1]?.body}`
    return Promise.reject(new TypeError('no'))
  }
}

for (const browser of browsers) {
  test(`${browser.name}: a page with old libraries' prototypes shows its content`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets, {prepare: page => page.evaluateOnNewDocument(pollute)})
    await untilAllShown(w, page)
    assert.deepEqual([...new Set(w.api.calls('/v1/').flatMap(call => [...call.form.keys()]))].filter(name => ['extra', 'each', 'toJSON'].includes(name)), [], 'no foreign member is sent')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: functions that a page replaces after the layer has loaded neither receive a token nor break it`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script())
    await w.until(page, () => globalThis.Stile)
    await page.evaluate(replace)
    await page.evaluate(html => document.body.insertAdjacentHTML('beforeend', html), fourWidgets)
    await untilAllShown(w, page)
    const seen = await page.evaluate(() => globalThis.seen)
    assert.ok(seen.includes('then'), 'the functions are replaced')
    assert.deepEqual(seen.filter(line => line.startsWith('fetch')), [], 'the original fetch is used')
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: the page's style rules do not affect the elements, nor the reverse`, async t => {
    const w = await harness(t, browser)
    const head = '<style>* { display: none !important } div, p, h2, h3, li, a, span, button, input { color: rgb(255, 0, 0) !important; letter-spacing: 9px !important }</style>'
    const page = await w.open(w.script() + fourWidgets, {head})
    await w.untilEvents(page, 'stile:load', 3)
    const inside = await page.evaluate(names => names.flatMap(name => [...document.querySelector(name).shadowRoot.querySelectorAll('a, h2, h3, p, li')].map(e => {
      const style = getComputedStyle(e)
      return {name, tag: e.localName, color: style.color, spacing: style.letterSpacing}
    })), Object.keys(loaded))
    assert.ok(inside.length > 5, JSON.stringify(inside))
    assert.deepEqual(inside.filter(e => e.color === 'rgb(255, 0, 0)' || e.spacing === '9px'), [])
    assert.equal(await page.evaluate(() => document.adoptedStyleSheets.length + document.querySelectorAll('style:not(head > style), [style]').length), 0)
  })

  test(`${browser.name}: elements that are removed during their calls and inserted again show their content`, async t => {
    const w = await harness(t, browser)
    let release
    const held = new Promise(resolve => release = resolve)
    w.api.intercept = call => call.path.startsWith('/v1/') ? held : undefined
    const page = await w.open(w.script() + `<div id="place">${fourWidgets}</div>`)
    await w.untilTrue(() => w.api.calls('/v1/').length >= 3, 'the calls')
    await page.evaluate(() => { globalThis.taken = [...document.querySelector('#place').children]; taken.forEach(e => e.remove()) })
    release()
    assert.equal((await get(page, '/v1/items')).meta.total, 4)
    await page.evaluate(() => document.querySelector('#place').append(...taken))
    await untilAllShown(w, page)
    assert.equal((await events(page, 'stile:error')).length, 0)
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: a removed element makes no call and no error`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script())
    await w.until(page, () => globalThis.Stile)
    assert.equal((await get(page, '/v1/items/knives')).data.id, 'knives')
    await page.evaluate(() => {
      const list = document.createElement('stile-list')
      list.setAttribute('collection', 'recipes')
      document.body.append(list)
      list.remove()
    })
    assert.equal((await get(page, '/v1/items/knives')).data.id, 'knives')
    assert.equal(w.api.calls('/v1/items').filter(call => call.form.get('collection')).length, 0)
  })

  for (const [what, files] of Object.entries({
    'the script twice': ['stile.js', 'stile.js'],
    'the script and the module': ['stile.js', 'stile.mjs'],
    'the module alone': ['stile.mjs'],
  }))
    test(`${browser.name}: ${what} is one layer`, async t => {
      const w = await harness(t, browser)
      const page = await w.open(files.map(file => w.script({'data-token-store': 'memory'}, file)).join('') + fourWidgets)
      await untilAllShown(w, page)
      await w.until(page, () => document.readyState === 'complete')
      assert.equal((await get(page, '/v1/items')).meta.total, 4)
      assert.equal(w.site.tokenRequests, 1)
      assert.equal((await events(page, 'stile:token-invalid')).length, 1)
      assert.equal(w.api.calls('/v1/items').filter(call => call.form.get('collection') === 'recipes').length, 1, 'the list made one call')
      assert.deepEqual(w.watch.complaints, [])
    })

  test(`${browser.name}: markup in content is text on the page`, async t => {
    const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    const w = await harness(t, browser, {items: [{id: 'h', collection: 'h', title: hostile, summary: 'plain', tags: [hostile], body: `<p>${hostile}safe</p>`, attributes: {a: hostile, [hostile.slice(0, 40)]: 1}}]})
    const page = await w.open(w.script() + '<stile-list collection="h"></stile-list><stile-results id="r" query="plain" facets="tag,a"></stile-results><stile-item item="h"></stile-item>')
    await untilShown(w, page, 'stile-item', 'safe')
    await untilShown(w, page, 'stile-list', '<img src=x onerror=')
    await untilShown(w, page, 'stile-results', '<img src=x onerror=')
    assert.match(await shownText(page, 'stile-item'), /<script>/)
    assert.equal(await page.title(), 'A page')
  })
}
