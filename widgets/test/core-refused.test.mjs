/** The messages for visitors when there is no token, and the limits on requests for one. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, events, get, harness} from './harness.mjs'
import {fourWidgets, loaded, shownText} from './harness/widgets.mjs'

/** Waits until an element shows something, which must be a sentence without internal names. */
async function assertWords(w, page, of) {
  await w.untilTrue(async () => /\p{L}/u.test(await shownText(page, of)), `${of} to say something`)
  const text = await shownText(page, of)
  assert.match(text, /\p{Lu}\p{L}+ \p{L}+.*[.!]/u, `${of} says: ${text}`)
  assert.doesNotMatch(text, /undefined|\[object|error\.|\{\w+\}/, `${of} says: ${text}`)
}

for (const browser of browsers) {
  test(`${browser.name}: without a listener and a token URL, each widget shows a message`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script({'data-token-url': null}) + fourWidgets)
    await w.untilEvents(page, 'stile:error', 3)
    for (const selector of Object.keys(loaded)) await assertWords(w, page, selector)
    assert.equal((await events(page, 'stile:token-invalid')).length, 1)
    assert.equal(w.api.calls('/v1/').length, 0)
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: these widgets continue when the page sets a token`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(w.script({'data-token-url': null}) + fourWidgets)
    await w.untilEvents(page, 'stile:error', 3)
    await page.evaluate(token => Stile.setToken(token), await w.issue())
    for (const [selector, text] of Object.entries(loaded))
      await w.untilTrue(async () => (await shownText(page, selector)).includes(text), `${selector} to continue`)
  })

  const faults = {
    'answers 500': () => ({status: 500, type: 'text/plain', body: 'no'}),
    'answers HTML': () => ({status: 200, type: 'text/html', body: '<!doctype html><title>Log in</title>'}),
    'answers JSON without a token': () => ({status: 200, type: 'application/json', body: '{"token":1}'}),
    'never answers': () => new Promise(() => {}),
  }
  for (const [what, answer] of Object.entries(faults))
    test(`${browser.name}: a token URL that ${what} is reported once, and not flooded`, async t => {
      const w = await harness(t, browser)
      w.site.answerToken = answer
      const page = await w.open(w.script() + fourWidgets)
      const failed = await w.untilEvents(page, 'stile:token-failed')
      assert.equal(failed.length, 1)
      assert.ok(failed[0].detail.retryAt, JSON.stringify(failed[0].detail))
      const asked = w.site.tokenRequests
      assert.ok(asked <= 3, `asked ${asked} times`)
      const refused = await Promise.all(Array.from({length: 20}, () => get(page, '/v1/items')))
      assert.equal(refused.filter(answer => answer.error).length, 20)
      assert.equal(w.site.tokenRequests, asked, '20 further calls do not request it again')
      assert.equal(w.api.calls('/v1/').length, 0)
      for (const selector of Object.keys(loaded)) await assertWords(w, page, selector)
      assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
    })

  test(`${browser.name}: if all tokens are refused, three are requested, and then no more`, async t => {
    const w = await harness(t, browser)
    w.site.answerToken = async () => {
      const token = await w.issue()
      await w.revoke(token)
      return token
    }
    const page = await w.open(w.script() + fourWidgets)
    await w.untilEvents(page, 'stile:token-failed')
    assert.equal(w.site.tokenRequests, 3)
    assert.ok((await get(page, '/v1/items')).error)
    assert.equal(w.site.tokenRequests, 3)
    assert.deepEqual((await events(page, 'stile:token-invalid')).map(e => e.detail.attempt), [1, 2, 3])
  })

  test(`${browser.name}: a block is reported once, and each widget shows a message`, async t => {
    const w = await harness(t, browser)
    w.api.from = '192.0.2.7'
    await w.server.command('address', 'block', '192.0.2.7', '--for', '1h')
    const page = await w.open(w.script() + fourWidgets)
    await w.untilEvents(page, 'stile:error', 3)
    const blocked = await events(page, 'stile:blocked')
    assert.deepEqual(blocked.map(e => [e.target, e.detail.code]), [['document', 'address_blocked']])
    assert.ok(blocked[0].detail.retryAfter > 3500, JSON.stringify(blocked))
    for (const selector of Object.keys(loaded)) await assertWords(w, page, selector)
    assert.equal(w.site.tokenRequests, 1, 'a new token would not help')
  })
}
