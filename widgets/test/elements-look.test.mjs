/** The elements for assistive technology, layout shifts, and text directions. */
import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {test} from 'node:test'
import {atlas, focusIn, textsIn, untilIn, untilPictures} from './elements.mjs'
import {browsers, chromium} from './harness.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const all = `<main><h1>Atlas</h1><stile-search label="Find a place"></stile-search>
  <stile-results query="island" facets="collection,tag,currency" page-size="4" link="#{id}"></stile-results>
  <stile-list tag="island" layout="carousel" label="Islands" link="#{id}"></stile-list>
  <stile-item item="on-islands" related></stile-item><stile-item item="nowhere"></stile-item></main>`

/** The problems that axe-core finds on the page, including shadow roots. */
async function faults(page) {
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}))
  return violations.map(({id, nodes}) => `${id}: ${nodes.map(node => node.target.flat().join(' ')).join('; ')}`)
}

async function open(w, theme, html, width = 1100) {
  return w.open(`<script>${axe}</script>${w.script({'data-theme': theme})}${html}`, {
    head: `<meta name="viewport" content="width=device-width"><style>html{color-scheme:${theme};background:Canvas;color:CanvasText}</style>`,
    prepare: page => page.setViewport({width, height: 900}),
  })
}

for (const browser of browsers)
  for (const theme of ['light', 'dark'])
    test(`${browser.name}: axe-core finds nothing, ${theme}`, async t => {
      const w = await atlas(t, browser)
      const page = await open(w, theme, all)
      await untilIn(w, page, 'stile-results', '.card a')
      await untilIn(w, page, 'stile-list', '.card a')
      await untilIn(w, page, 'stile-item', '.related .card')
      await untilIn(w, page, 'stile-item:last-child', '.message')
      await focusIn(page, 'stile-search', '.clear')
      await page.keyboard.press('Enter')
      await page.keyboard.type('isl')
      await untilIn(w, page, 'stile-search', '[role=option]')
      await page.keyboard.press('ArrowDown')
      assert.deepEqual(await faults(page), [])
      await page.setViewport({width: 375, height: 900})
      await focusIn(page, 'stile-results', '.disclose')
      await page.keyboard.press('Enter')
      assert.deepEqual(await faults(page), [], 'narrow')
      assert.deepEqual(w.watch.complaints.filter(line => !line.includes('/v1/items/nowhere')), [])
    })

for (const width of [1100, 375])
  test(`chromium: the layout does not shift while loading, ${width} wide`, async t => {
    const w = await atlas(t, chromium)
    let release
    w.api.intercept = request => request.path.startsWith('/v1/') ? new Promise(resolve => release = () => resolve(undefined)) : undefined
    for (const element of [`<stile-results query="island" facets="tag"></stile-results>`, `<stile-list tag="island" layout="carousel"></stile-list>`, `<stile-list tag="island" layout="grid"></stile-list>`]) {
      const page = await open(w, 'light', `<main><h1>Atlas</h1>${element}<p id="after">What follows.</p></main>`, width)
      const name = element.slice(1, element.indexOf(' '))
      await untilIn(w, page, name, '.bone')
      await page.evaluate(() => {
        window.moved = []
        new PerformanceObserver(list => moved.push(...list.getEntries().map(({value, sources}) => `${value}: ${sources.map(({node, previousRect: a, currentRect: b}) => `${node?.id || node?.className || node?.localName} from ${a.y} to ${b.y}`)}`))).observe({type: 'layout-shift'})
      })
      await w.untilTrue(() => release, 'the call')
      release()
      release = undefined
      await untilIn(w, page, name, '.card .title:not(:has(.bone))')
      await untilPictures(w, page)
      await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))))
      assert.deepEqual(await page.evaluate(() => moved), [], element)
      await page.close()
    }
  })

for (const browser of browsers)
  test(`${browser.name}: the layout works from right to left`, async t => {
    const w = await atlas(t, browser)
    await w.server.import([{id: 'jazira', collection: 'guides', title: 'عن الجزر', summary: 'ما الذي يجعل أرضًا جزيرة؟', image: `${w.api.origin}/demo/media/is.svg`}])
    const page = await w.open(`<script>document.documentElement.dir = 'rtl'</script>${w.script()}<stile-list collection="guides"></stile-list><stile-search></stile-search>`)
    await untilIn(w, page, 'stile-list', '.card img')
    const sides = await page.evaluate(() => {
      const middle = node => node.getBoundingClientRect().left + node.getBoundingClientRect().width / 2
      const list = document.querySelector('stile-list').shadowRoot, search = document.querySelector('stile-search').shadowRoot
      return {picture: middle(list.querySelector('.image')) > middle(list.querySelector('.text')), button: middle(search.querySelector('.submit')) < middle(search.querySelector('input'))}
    })
    assert.deepEqual(sides, {picture: true, button: true})
    assert.ok((await textsIn(page, 'stile-list', '.title')).includes('عن الجزر'))
  })

for (const browser of browsers)
  test(`${browser.name}: numbers, dates and texts are in the page's language`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`<script>document.documentElement.lang = 'de-AT'</script>${w.script()}<stile-item item="on-islands"></stile-item><stile-results query="island" page-size="2"></stile-results>`)
    await untilIn(w, page, 'stile-item', '.body p')
    await untilIn(w, page, 'stile-results', '.card a')
    assert.deepEqual(await textsIn(page, 'stile-item', 'time'), ['14. März 2026'])
    assert.deepEqual(await textsIn(page, 'stile-item', 'dd'), ['A. Navigator', '1969', 'English, Dutch', '21.450', '✓', 'example.org'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.count'), ['89 Treffer für „island“'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.next'), ['Weiter'])
  })
