/** The harness itself. If the watch recorded nothing, every other test would pass. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, strict, harness} from './harness.mjs'

for (const browser of browsers) {
  test(`${browser.name}: the server responds to a page of the tenant on another origin`, async t => {
    const w = await harness(t, browser)
    const page = await w.open('<h1>A page</h1>')
    const body = await page.evaluate(async api => {
      const {access_token} = await (await fetch('/stile/token', {method: 'POST'})).json()
      const form = new URLSearchParams({client_id: 'acme', access_token, q: 'cake'})
      return (await fetch(`${api}/v1/items`, {method: 'POST', body: form})).json()
    }, w.api.origin)
    assert.equal(body.meta?.total, 2, JSON.stringify(body))
    assert.equal(w.site.tokenRequests, 1)
    assert.deepEqual(w.api.requests.map(r => [r.method, r.path, r.form.get('q')]), [['POST', '/v1/items', 'cake']])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: the watch records violations, console messages and errors`, async t => {
    const w = await harness(t, browser)
    const page = await w.open('<img src="https://elsewhere.example/x.png">', {csp: strict(w.api.origin)})
    await page.evaluate(() => {
      console.error('said aloud')
      setTimeout(() => { throw new Error('thrown') })
      void Promise.reject(new Error('rejected'))
      try { document.body.innerHTML = 'x' } catch {}
    })
    for (const want of [/violation of img-src/, /violation of require-trusted-types-for/, /said aloud/, /thrown/, /rejected/])
      await w.untilTrue(() => w.watch.of(want).length > 0, `a complaint like ${want}`)
  })

  test(`${browser.name}: the layer's events are recorded`, async t => {
    const w = await harness(t, browser)
    const page = await w.open('<stile-list></stile-list>')
    await page.evaluate(() => {
      document.dispatchEvent(new CustomEvent('stile:token-invalid', {bubbles: true, detail: {code: 'token_missing', respondWith() {}, signal: new AbortController().signal}}))
      document.querySelector('stile-list').dispatchEvent(new CustomEvent('stile:load', {bubbles: true, composed: true, detail: {data: [1]}}))
    })
    assert.deepEqual((await w.untilEvents(page, 'stile:load'))[0], {type: 'stile:load', target: 'stile-list', detail: {data: [1]}})
    assert.deepEqual(await w.untilEvents(page, 'stile:token-invalid'), [{type: 'stile:token-invalid', target: 'document', detail: {code: 'token_missing'}}])
  })
}
