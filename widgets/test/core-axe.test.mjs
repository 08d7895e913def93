/** axe-core checks a page with all elements. */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {test} from 'node:test'
import {browsers, harness} from './harness.mjs'
import {fourWidgets, untilAllShown} from './harness/widgets.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The problems that axe-core finds, one line for each node. */
async function problems(page) {
  await page.addScriptTag({content: axe})
  return page.evaluate(async () => {
    const {violations} = await globalThis.axe.run(document, {resultTypes: ['violations']})
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.flat().join(' ')} ${node.failureSummary}`))
  })
}

for (const browser of browsers)
  for (const theme of ['light', 'dark'])
    test(`${browser.name}: axe-core finds no problem on a ${theme} page with all four elements`, async t => {
      const w = await harness(t, browser)
      const colours = theme === 'dark' ? 'background: #14161a; color: #f2f2f2' : 'background: #fff; color: #1a1a1a'
      const page = await w.open(`<main><h1>Recipes</h1>${fourWidgets}</main>` + w.script({'data-theme': theme}), {head: `<style>body { ${colours} }</style>`})
      await untilAllShown(w, page)
      assert.deepEqual(await problems(page), [])
      assert.deepEqual(w.watch.complaints, [])
    })

for (const browser of browsers)
  test(`${browser.name}: axe-core can find a problem inside an element`, async t => {
    const w = await harness(t, browser)
    const page = await w.open('<main><h1>Recipes</h1><div id="host"></div></main>')
    await page.evaluate(() => document.querySelector('#host').attachShadow({mode: 'open'}).append(document.createElement('img')))
    assert.match((await problems(page)).join(), /image-alt/)
  })
