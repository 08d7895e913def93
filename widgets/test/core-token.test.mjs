/** A page uses one token, and renews each dead one once. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, events, get, harness} from './harness.mjs'
import {fourWidgets, untilAllShown} from './harness/widgets.mjs'

/** Text that is only shown if something went wrong. */
const errorText = /session|try again|wrong|expired|refused/i

for (const browser of browsers) {
  test(`${browser.name}: four widgets without a token request one, once`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets)
    await untilAllShown(w, page)
    const asked = await events(page, 'stile:token-invalid')
    assert.deepEqual(asked.map(e => [e.target, e.detail.code, e.detail.attempt]), [['document', 'token_missing', 1]])
    assert.equal((await events(page, 'stile:token-renewed')).length, 1)
    assert.equal(w.site.tokenRequests, 1)
    assert.deepEqual(w.api.calls('/v1/').filter(call => !call.form.get('access_token')), [], 'no call is made without one')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a token that dies during 60 concurrent calls is renewed once, and all are admitted`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets)
    await untilAllShown(w, page)
    revokeAtCall(w, [20])
    assert.deepEqual(await many(page, 60), {answered: 60, refused: []})
    assert.equal(w.site.tokenRequests, 2)
    assert.equal((await events(page, 'stile:token-invalid')).length, 2)
    assert.equal((await events(page, 'stile:token-renewed')).length, 2)
    assert.equal((await events(page, 'stile:error')).length, 0)
    assert.doesNotMatch(await page.evaluate(() => [...document.body.children].map(e => e.shadowRoot?.textContent ?? '').join()), errorText)
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: tokens that die one after another during calls are renewed once each`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script({'data-transport': 'jsonp'}))
    await w.until(page, () => globalThis.Stile)
    revokeAtCall(w, [10, 40, 80, 120])
    for (let round = 0; round < 3; round++) assert.deepEqual(await many(page, 60), {answered: 60, refused: []})
    const deaths = w.revoked.length
    assert.equal(deaths, 4)
    assert.equal(w.site.tokenRequests, 1 + deaths)
    assert.equal((await events(page, 'stile:token-invalid')).length, 1 + deaths)
    assert.equal((await events(page, 'stile:token-failed')).length, 0)
  })

  test(`${browser.name}: a slow call with a dead token is sent again with the current one, without a renewal`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script())
    await w.until(page, () => globalThis.Stile)
    assert.equal((await get(page, '/v1/items')).meta.total, 4)
    let release
    const held = new Promise(resolve => release = resolve)
    let caught = false
    w.api.intercept = async call => {
      if (call.form.get('q') === 'soup' && !caught) {
        caught = true
        await held
      }
    }
    const slow = get(page, '/v1/items', {q: 'soup'})
    await w.untilTrue(() => caught, 'the slow call')
    for (let death = 0; death < 2; death++) {
      await w.revoke(w.tokens.at(-1))
      assert.equal((await get(page, '/v1/items')).meta.total, 4)
    }
    release()
    assert.equal((await slow).meta?.total, 1)
    assert.equal(w.site.tokenRequests, 3)
    assert.equal((await events(page, 'stile:token-invalid')).length, 3)
  })

  test(`${browser.name}: an address-bound token whose visitor changes address is renewed in the background, as is one that is used up`, async t => {
    const w = await harness(t, browser, {settings: {STILE_BINDING: 'address', STILE_POLICY_TOKEN_CALLS: 5}})
    w.api.from = '192.0.2.1'
    const page = await w.open(w.script())
    await w.until(page, () => !!globalThis.Stile)
    assert.ok((await get(page, '/v1/items')).data)
    w.api.from = '192.0.2.2'
    assert.deepEqual(await many(page, 12), {answered: 12, refused: []})
    const codes = (await events(page, 'stile:token-invalid')).map(e => e.detail.code)
    assert.deepEqual(codes, ['token_missing', 'token_hijacked', 'token_exhausted', 'token_exhausted'])
    assert.equal(w.site.tokenRequests, codes.length)
    assert.equal((await events(page, 'stile:token-failed')).length, 0)
  })

  test(`${browser.name}: if the page answers the event, its token URL is not requested`, async t => {
    const w = await harness(t, browser)
    const page = await w.blank()
    await page.exposeFunction('fromElsewhere', () => w.issue())
    await page.evaluateOnNewDocument(() => document.addEventListener('stile:token-invalid', e => e.detail.respondWith(fromElsewhere())))
    await page.goto(w.site.add('/own.html', `<!doctype html><title>Own</title>${w.script()}${fourWidgets}`))
    await untilAllShown(w, page)
    assert.equal(w.site.tokenRequests, 0)
    assert.equal(w.tokens.length, 1)
  })

  test(`${browser.name}: one token serves all page views of a tab, except with "memory"`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script() + fourWidgets)
    await untilAllShown(w, page)
    await page.reload()
    await untilAllShown(w, page)
    assert.equal(w.site.tokenRequests, 1)
    const forgetful = await w.open(w.script({'data-token-store': 'memory'}) + fourWidgets)
    await untilAllShown(w, forgetful)
    await forgetful.reload()
    await untilAllShown(w, forgetful)
    assert.equal(w.site.tokenRequests, 3)
  })
}

/** Makes n concurrent calls. Returns how many were admitted, and the codes of the others. */
function many(page, n) {
  return page.evaluate(async n => {
    const calls = Array.from({length: n}, () => Stile.get('/v1/items/plum-cake').then(() => '', error => error.code ?? String(error)))
    const refused = (await Promise.all(calls)).filter(Boolean)
    return {answered: n - refused.length, refused}
  }, n)
}

/** Kills the newest token at the server's n-th call of an item, for each n, during other calls. */
function revokeAtCall(w, at) {
  w.revoked = []
  let seen = 0
  w.api.intercept = async call => {
    if (call.path !== '/v1/items/plum-cake') return
    if (at.includes(++seen)) {
      w.revoked.push(w.tokens.at(-1))
      await w.revoke(w.tokens.at(-1))
    }
  }
}
