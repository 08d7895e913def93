/** The layer's global and its event, on pages with elements and variables of the same name. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, harness} from './harness.mjs'

/** The documented way to use Stile next to an async script. */
const documented = `<script>{
  const start = Stile => Stile.get('/v1/items').then(({meta}) => { (globalThis.totals ??= []).push(meta.total) })
  if (globalThis.Stile?.version) start(Stile)
  else document.addEventListener('stile:ready', event => start(event.detail.Stile), {once: true})
}</script>`

/** The elements and variables named Stile that a page may have before the layer. */
const before = {
  'nothing': '', 'a section': '<section id="Stile"></section>', 'two sections': '<p id="Stile"></p><p id="Stile"></p>', 'a form': '<form id="Stile"><input name="get"></form>',
  'a variable': '<script>var Stile</script>', 'a stub': '<script>globalThis.Stile = {queue: []}</script>', 'an embed': '<embed name="Stile">',
}

for (const browser of browsers)
  test(`${browser.name}: Stile is the layer whatever had its name, from each file`, {timeout: 120_000}, async t => {
    const w = await harness(t, browser)
    for (const [what, html] of Object.entries(before))
      for (const file of ['stile.js', 'stile.mjs', 'core.mjs'])
        await t.test(`${what}, ${file}`, async () => {
          const page = await w.open(`${html}${documented}${w.script({}, file)}`)
          await w.until(page, () => globalThis.totals)
          await page.evaluate(() => document.body.append(Object.assign(document.createElement('section'), {id: 'Stile'})))
          assert.equal(await page.evaluate(() => typeof Stile.get), 'function')
          assert.deepEqual(await page.evaluate(() => totals), [4])
          await page.close()
        })
  })

for (const browser of browsers)
  test(`${browser.name}: a listener that is added after the script, and a second copy, work`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`<script>globalThis.readies = 0; document.addEventListener('stile:ready', () => readies++)</script>${w.script().replace(' async', '')}${documented}${w.script({}, 'stile.mjs')}`)
    await w.until(page, () => globalThis.totals)
    await page.evaluate(async url => { globalThis.same = (await import(url)).Stile === Stile }, `${w.api.origin}/widgets/v1/core.mjs`)
    assert.deepEqual(await page.evaluate(() => [same, readies, totals]), [true, 1, [4]])
    assert.deepEqual(w.watch.complaints, [])
  })
