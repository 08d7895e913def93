/** The layer on a tenant's page: what the page's policy allows, and what the layer leaves on it. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, get, strict, harness} from './harness.mjs'
import {fourWidgets, suggestions, type, untilAllShown} from './harness/widgets.mjs'

/** A policy that allows scripts of the API, including JSONP, and nothing else of it. */
const noFetch = api => `default-src 'none'; script-src ${api}/widgets/ ${api}/v1/; connect-src 'self'; img-src ${api}`
const trusted = "require-trusted-types-for 'script'; trusted-types stile"

/** The transports of the calls. */
const ways = w => [...new Set(w.api.calls('/v1/').map(call => call.form.has('callback') ? 'jsonp' : call.method === 'POST' ? 'form' : 'other'))]

for (const browser of browsers) {
  test(`${browser.name}: under the strictest policy all four elements show their content, without a violation`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets, {csp: strict(w.api.origin)})
    await untilAllShown(w, page)
    await type(page, 'plu')
    await w.untilTrue(async () => (await suggestions(page)).some(text => text.includes('Plum cake')), 'a suggestion')
    assert.deepEqual(ways(w), ['form'])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: if the page's policy forbids fetch, scripts load the content`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets, {csp: noFetch(w.api.origin)})
    await untilAllShown(w, page)
    assert.deepEqual(ways(w), ['jsonp'])
    const tried = w.watch.of(/violation of connect-src/).length
    assert.ok(tried <= 3, `fetch was tried ${tried} times by three elements:\n${w.watch.complaints.join('\n')}`)
    await get(page, '/v1/items', {q: 'soup'})
    assert.equal(w.watch.of(/violation of connect-src/).length, tried, 'the policy is known')
    assert.deepEqual(w.watch.of(/unhandled|uncaught|trusted/i), [])
  })

  test(`${browser.name}: with transport jsonp, there is no violation of that policy`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script({'data-transport': 'jsonp'}) + fourWidgets, {csp: noFetch(w.api.origin)})
    await untilAllShown(w, page)
    assert.deepEqual(ways(w), ['jsonp'])
    assert.deepEqual(w.watch.complaints, [])
  })

  for (const transport of ['form', 'jsonp'])
    test(`${browser.name}: a page with Trusted Types works by ${transport}`, async t => {
      const w = await harness(t, browser)
      const page = await w.open(w.script({'data-transport': transport}) + fourWidgets, {csp: trusted})
      await untilAllShown(w, page)
      assert.deepEqual(ways(w), [transport])
      assert.deepEqual(w.watch.complaints, [])
    })

  test(`${browser.name}: if the page does not allow the policy "stile", a message is shown, without an exception`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + '<stile-list collection="recipes"><p>Browse</p></stile-list>', {csp: "require-trusted-types-for 'script'; trusted-types other"})
    await w.until(page, () => !!document.querySelector('stile-list').shadowRoot)
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: the layer leaves one global and its own script tag, and nothing of 20 calls by script`, async t => {
    const w = await harness(t, browser)
    const page = await w.open('<p>A page</p>')
    const before = await page.evaluate(() => Object.getOwnPropertyNames(globalThis))
    await page.evaluate((src, id) => {
      const script = document.createElement('script')
      Object.assign(script.dataset, {clientId: id, tokenUrl: '/stile/token', transport: 'jsonp'})
      script.src = src
      document.head.append(script)
    }, `${w.api.origin}/widgets/v1/stile.js`, w.client.id)
    await w.until(page, () => globalThis.Stile)
    const answers = await page.evaluate(() => Promise.all(Array.from({length: 20}, (_, n) => Stile.get('/v1/items', {limit: n + 1}))))
    assert.equal(answers.filter(answer => answer.meta.total === 4).length, 20)
    const after = await page.evaluate(() => Object.getOwnPropertyNames(globalThis))
    assert.deepEqual(after.filter(name => !before.includes(name)), ['Stile'])
    const names = w.api.calls('/v1/items').map(call => call.form.get('callback'))
    assert.equal(new Set(names).size, 20, 'each call has a name of its own')
    assert.deepEqual(await page.evaluate(() => [...document.scripts].map(script => new URL(script.src).pathname)), ['/widgets/v1/stile.js'])
    assert.deepEqual(w.watch.complaints, [])
  })
}
