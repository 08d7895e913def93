/**
 * The page /snippet in a browser: the preview makes no call, the snippet follows the form, and
 * everything works under the page's own policy.
 */
import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import test from 'node:test'
import {browsers, harness} from './harness.mjs'

const cards = () => document.querySelector('stile-results')?.shadowRoot?.querySelectorAll('h2').length === 6

/** Enters a value as a visitor does. */
const enter = (page, id, value) => page.evaluate((id, value) => {
  const input = document.getElementById(id)
  input.value = value
  input.dispatchEvent(new Event('input', {bubbles: true}))
}, id, value)

for (const browser of browsers) test(`${browser.name}: the snippet page writes the snippet and shows a preview`, async t => {
  const w = await harness(t, browser)
  const page = await w.blank()
  await page.goto(`${w.api.origin}/snippet?client_id=acme`)
  await w.until(page, cards)
  assert.match(await page.evaluate(() => document.getElementById('code').textContent), /<stile-results id="r" facets="tag" link="\/recipes\/\{id\}">/)

  await enter(page, 'link', '/food/{id}?from=search')
  await enter(page, 'facets', 'course')
  await w.until(page, () => document.getElementById('code').textContent.includes('facets="course" link="/food/{id}?from=search"'))
  await w.until(page, () => document.querySelector('stile-results')?.shadowRoot?.textContent.includes('Dessert'))
  assert.match(page.url(), /facets=course/)

  await enter(page, 'client_id', 'a b')
  await w.until(page, () => document.getElementById('client_id').getAttribute('aria-invalid') === 'true' && document.getElementById('client_id-about').textContent.includes('only letters'))
  await enter(page, 'client_id', 'other')
  await w.until(page, () => document.getElementById('code').textContent.includes('data-client-id="other"') && !document.querySelector('[aria-invalid]'))

  await enter(page, 'show', 'item')
  await w.until(page, () => document.querySelector('stile-item')?.shadowRoot?.textContent.includes('Plum cake'))
  await enter(page, 'theme', 'dark')
  await w.until(page, () => document.querySelector('stile-item')?.shadowRoot?.querySelector('[data-theme="dark"]') && document.getElementById('code').textContent.includes('data-theme="dark"'))

  await page.evaluate(() => document.querySelector('[data-copy=code]').click())
  await w.until(page, () => /Copied|selected/.test(document.getElementById('status').textContent))
  assert.deepEqual(w.api.calls('/v1/').map(call => call.path), [], 'the preview must make no call')
  assert.deepEqual(w.watch.complaints, [])
})

for (const browser of browsers) test(`${browser.name}: the snippet page works without its script`, async t => {
  const w = await harness(t, browser)
  w.api.intercept = ({path}) => path.endsWith('.js') ? {status: 404, type: 'text/plain', body: ''} : undefined
  const page = await w.blank()
  await page.goto(`${w.api.origin}/snippet?framework=vue`)
  await page.evaluate(() => { document.getElementById('client_id').value = 'acme' })
  await Promise.all([page.waitForNavigation(), page.evaluate(() => document.querySelector('form').requestSubmit())])
  const text = await page.evaluate(() => document.body.innerText)
  assert.match(text, /data-client-id="acme"/)
  assert.match(text, /isCustomElement/)
  assert.match(text, /The preview needs JavaScript/)
  assert.equal(await page.evaluate(() => document.querySelector('[data-copy]').hidden), true)
})

/** A test can't set Firefox's scheme. */
const schemes = browser => browser.name === 'chromium' ? ['light', 'dark'] : ['light']

for (const browser of browsers) for (const scheme of schemes(browser)) test(`${browser.name}: axe finds nothing in the snippet page and a problem page, ${scheme}`, async t => {
  const w = await harness(t, browser)
  const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')
  for (const path of ['/snippet?client_id=a%20b&theme=dark', '/problems/client_mismatch', '/problems/']) {
    const page = await w.blank()
    if (browser.name === 'chromium') await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}])
    // The page's policy forbids axe's script. The tested page is otherwise the same.
    w.api.intercept = async ({path: asked, url}) => {
      if (!/^\/(snippet|problems)/.test(asked) || asked.includes('.')) return
      const response = await fetch(w.server.url + url)
      return {status: response.status, type: response.headers.get('content-type'), body: await response.text()}
    }
    await page.goto(w.api.origin + path)
    if (path.startsWith('/snippet')) await w.until(page, cards)
    await page.evaluate(axe)
    const found = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(node => node.target).join()}`))
    assert.deepEqual(found, [], path)
  }
})
