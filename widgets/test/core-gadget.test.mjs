/**
 * S62: what an injected tag can do under each policy in docs/tenants.md, and pages without a
 * referrer.
 */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {test} from 'node:test'
import {browsers, get, harness} from './harness.mjs'
import {fourWidgets, untilAllShown} from './harness/widgets.mjs'

/** The policies in docs/tenants.md, in order. */
const docs = readFileSync(new URL('../../docs/tenants.md', import.meta.url), 'utf8')
const [byDefault, withJSONP, withNonce, ...others] = [...docs.matchAll(/^Content-Security-Policy: (.*\n.*)$/gm)].map(([, policy]) => api => policy.replace(/\s+/g, ' ').replaceAll('API', api))

/** Injected tags, and the name of the function that each calls. */
const injected = (api, client) => [
  ['v1', `${api}/v1/items?callback=v1`],
  ['client', `${api}/v1/items?client_id=${client}&callback=client`],
  ['missing', `${api}/v1/nothing?callback=missing`],
  ['root', `${api}/?callback=root`],
  ['dotted', `${api}/v1/items?callback=console.dotted`],
  ['widgets', `${api}/widgets/nothing.js?callback=widgets`],
  ['file', `${api}/widgets/v1/stile.d.ts?callback=file`],
  ['encoded', `${api}/widgets/..%2fv1/items?callback=encoded`],
  ['twice', `${api}/widgets/%252e%252e/v1/items?callback=twice`],
  ['dots', `${api}/widgets/%2e%2e/v1/items?callback=dots`],
  ['backslash', `${api}/widgets/..\\v1/items?callback=backslash`],
  ['slashes', `${api}/widgets//v1/items?callback=slashes`],
]

/** Runs in the page: defines global functions that record their arguments. */
function springs(names) {
  const called = []
  Object.defineProperty(globalThis, Symbol.for('called'), {value: called})
  for (const name of names) globalThis[name] = console[name] = (...given) => called.push([name, ...given])
}

const called = page => page.evaluate(() => globalThis[Symbol.for('called')])

/** Opens a page with the tags and the widgets, and waits until all of them have loaded. */
async function attacked(w, csp, attributes) {
  const tags = injected(w.api.origin, w.client.id)
  const html = tags.map(([, src]) => `<script src="${src}"></script>`).join('') + w.script(attributes) + fourWidgets
  const page = await w.open(html, {csp: csp(w.api.origin), prepare: page => page.evaluateOnNewDocument(springs, tags.map(([name]) => name))})
  await w.until(page, () => document.readyState === 'complete')
  return page
}

for (const browser of browsers) {
  test(`S62 ${browser.name}: under the documented policy no injected tag is loaded as JSONP or calls a function, and the widgets work`, async t => {
    assert.deepEqual(others, [], 'each documented policy has a test')
    const w = await harness(t, browser)
    const page = await attacked(w, byDefault)
    await untilAllShown(w, page)
    assert.deepEqual(await called(page), [])
    assert.deepEqual(w.api.calls('/v1/').filter(call => call.form.has('callback')), [])
  })

  test(`S62 ${browser.name}: if the policy allows API/v1/, the remaining gadget is a call of a global function with an error`, async t => {
    const w = await harness(t, browser)
    const page = await attacked(w, withJSONP)
    await untilAllShown(w, page)
    const calls = await called(page)
    // The browser resolves the last two to /v1/items.
    assert.deepEqual(calls.map(([name]) => name), ['v1', 'client', 'missing', 'dots', 'backslash'])
    for (const [name, ...given] of calls) {
      assert.equal(given.length, 1, name)
      assert.deepEqual(Object.keys(given[0]), ['error'], name)
      assert.equal(typeof given[0].error.code, 'string', name)
    }
  })

  test(`S62 ${browser.name}: with a nonce nothing injected is loaded, and forms and JSONP both work`, async t => {
    const w = await harness(t, browser)
    const nonce = api => withNonce(api).replace('RANDOM', 'cjRuZDBt')
    for (const transport of ['form', 'jsonp']) {
      w.api.requests.length = 0
      const page = await attacked(w, nonce, {nonce: 'cjRuZDBt', 'data-transport': transport})
      await untilAllShown(w, page)
      assert.deepEqual(await called(page), [])
      assert.equal(w.api.calls('/v1/').every(call => call.form.has('access_token')), true, 'only requests by the layer')
      await page.browserContext().close()
    }
  })

  test(`S62 ${browser.name}: with the server's jsonp: no, API/v1/ is not a gadget, forms work, and a page without them gets no_callback`, async t => {
    const w = await harness(t, browser, {settings: {STILE_JSONP: 'no'}})
    const both = api => withJSONP(api).replace("connect-src 'self'", `connect-src 'self' ${api}`)
    const page = await attacked(w, both)
    await untilAllShown(w, page)
    assert.deepEqual(await called(page), [])
    const without = await attacked(w, withJSONP, {'data-token-store': 'memory'})
    await w.until(without, () => globalThis.Stile)
    w.api.requests.length = 0
    const {error} = await get(without, '/v1/items', {q: 'soup'})
    assert.deepEqual([error?.name, error?.code], ['TransportError', 'no_callback'])
    assert.equal(w.api.calls('/v1/items').filter(call => call.form.get('q') === 'soup').length, 1, 'it is not retried')
  })

  test(`S62 ${browser.name}: an injected tag of the layer sends nothing to another server; it can only send a POST without a body to the page's own site`, async t => {
    const w = await harness(t, browser)
    const evil = 'https://evil.example'
    const html = `<script src="${w.api.origin}/widgets/v1/stile.js" data-client-id="x" data-api="${evil}" data-token-url="/settings?a=b"></script><stile-list collection="recipes"></stile-list>`
    const page = await w.open(html + w.script(), {csp: byDefault(w.api.origin)})
    await w.untilEvents(page, 'stile:token-failed')
    assert.deepEqual([...new Set(w.site.requests.map(({method, path}) => `${method} ${path}`))], ['GET /page.html', 'POST /settings'])
    // A message for the developer names the configured server.
    assert.deepEqual(w.watch.of(/evil\.example/).filter(line => !line.includes('[stile] ')), [], 'no request to the other server')
    await page.evaluate(token => Stile.setToken(token), await w.issue())
    await w.untilTrue(() => w.watch.of(/violation of connect-src by https:\/\/evil\.example/).length, 'the policy to refuse it')
  })

  for (const transport of ['form', 'jsonp'])
    test(`S62 ${browser.name}: auto serves a tenant with jsonp=no, and transport ${transport} reports the error`, async t => {
      const w = await harness(t, browser)
      await w.server.command('tenant', 'set', w.client.id, 'jsonp=no')
      const page = await w.open(w.script() + fourWidgets)
      await untilAllShown(w, page)
      const other = await w.open(w.script({'data-transport': transport}))
      await w.until(other, () => globalThis.Stile)
      const {data, error} = await get(other, '/v1/items', {q: 'soup'})
      if (transport === 'form') assert.equal(data.length, 1)
      else assert.equal(error.code, 'no_callback')
    })

  for (const transport of ['form', 'jsonp'])
    test(`S50 ${browser.name}: a page without a referrer sends its origin by ${transport}, as a fetch or a script`, async t => {
      const w = await harness(t, browser)
      const page = await w.open(w.script({'data-transport': transport}) + fourWidgets, {head: '<meta name="referrer" content="no-referrer">'})
      await untilAllShown(w, page)
      const calls = w.api.calls('/v1/').filter(call => call.form.has('access_token') && call.headers['sec-fetch-site'])
      assert.ok(calls.length >= 3)
      assert.deepEqual([...new Set(calls.map(call => call.headers.origin))], [w.site.origin])
      assert.deepEqual([...new Set(calls.map(call => call.headers['sec-fetch-dest']))], [transport === 'form' ? 'empty' : 'script'])
      assert.deepEqual([...new Set(calls.map(call => call.headers['sec-fetch-mode']))], ['cors'])
    })

  for (const transport of ['form', 'jsonp'])
    test(`S50 ${browser.name}: a page of the API's own origin sends it too, by ${transport}`, async t => {
      const w = await harness(t, browser, {listed: false})
      const html = `<!doctype html><meta name="referrer" content="no-referrer">${w.script({'data-transport': transport, 'data-token': await w.issue(), 'data-token-url': null})}<stile-list collection="recipes"></stile-list>`
      w.api.intercept = call => call.path === '/page.html' ? {status: 200, type: 'text/html', body: html} : undefined
      const page = await w.blank()
      await page.goto(w.api.origin + '/page.html')
      await w.until(page, () => document.querySelector('stile-list').shadowRoot?.textContent.includes('Onion soup'))
      const [{headers}] = w.api.calls('/v1/items')
      assert.equal(headers.origin ?? headers.referer?.replace(/\/$/, ''), w.api.origin)
      assert.equal(headers['sec-fetch-site'], 'same-origin')
    })
}
