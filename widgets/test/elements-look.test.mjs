/** The elements for assistive technology, layout shifts, and text directions. */
import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {test} from 'node:test'
import {atlas, focusIn, textsIn, typeAtOnce, untilIn, untilPictures} from './elements.mjs'
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
      await typeAtOnce(page, 'isl')
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
    assert.deepEqual(await textsIn(page, 'stile-item', 'dd'), ['A. Navigator', '1969', 'English, Dutch', '21\u00a0450', '✓', 'example.org'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.count'), ['89 Treffer für „island“'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.next'), ['Weiter'])
  })

/** README's two elements alone, on a page without styles of its own. */
const two = '<stile-search></stile-search><stile-results></stile-results>'

for (const browser of browsers) {
  test(`${browser.name}: two elements alone have space between them, and suggestions cover the results`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(w.script() + two, {prepare: page => page.setViewport({width: 900, height: 900})})
    await untilIn(w, page, 'stile-results', '.card h2 a, .card h2 span')
    const gap = await page.evaluate(() => document.querySelector('stile-results').getBoundingClientRect().top - document.querySelector('stile-search').getBoundingClientRect().bottom)
    assert.ok(gap >= 16, `${gap} pixels`)
    await focusIn(page, 'stile-search', 'input')
    await typeAtOnce(page, 'isl')
    await untilIn(w, page, 'stile-search', '[role=option]')
    const covering = await page.evaluate(() => {
      const list = document.querySelector('stile-search').shadowRoot.querySelector('.suggestions'), box = list.getBoundingClientRect()
      const points = [[.1, .2], [.5, .5], [.9, .9]].map(([x, y]) => document.elementFromPoint(box.left + x * box.width, box.top + y * box.height).localName)
      const {backgroundColor, boxShadow} = getComputedStyle(list)
      return {points, backgroundColor, hasShadow: boxShadow !== 'none', overlaps: box.bottom > document.querySelector('stile-results').getBoundingClientRect().top}
    })
    assert.deepEqual(covering, {points: Array(3).fill('stile-search'), backgroundColor: 'rgb(255, 255, 255)', hasShadow: true, overlaps: true})
  })

  test(`${browser.name}: a forced theme has a background of its own, and padding`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(w.script({'data-theme': 'dark'}) + two)
    await untilIn(w, page, 'stile-results', '.card')
    const styles = await page.evaluate(() => ['stile-search', 'stile-results'].map(name => {
      const {backgroundColor, paddingTop, paddingLeft, color} = getComputedStyle(document.querySelector(name).shadowRoot.querySelector('.base'))
      return {dark: parseInt(backgroundColor.slice(4)) < 60, light: parseInt(color.slice(4)) > 200, padding: Math.min(parseInt(paddingTop), parseInt(paddingLeft)) >= 16}
    }))
    assert.deepEqual(styles, Array(2).fill({dark: true, light: true, padding: true}))
  })

  test(`${browser.name}: a broken picture leaves the layout without a picture`, async t => {
    const w = await atlas(t, browser)
    await w.server.import([{id: 'broken', collection: 'guides', title: 'A broken picture', body: '<p>Text.</p>', image: `${w.api.origin}/nowhere.png`}])
    const page = await w.open(`${w.script()}<stile-list collection="guides"></stile-list><stile-item item="broken"></stile-item>`)
    await untilIn(w, page, 'stile-item', 'article .title')
    await untilIn(w, page, 'stile-list', '.card .title')
    const boxes = () => ['stile-item .item', 'stile-list .card'].map(path => {
      const [host, part] = path.split(' ')
      return [...document.querySelector(host).shadowRoot.querySelectorAll(part)].find(node => node.innerText.includes('broken'))?.querySelectorAll('.image, img').length
    })
    await w.until(page, `(${boxes})().every(n => n === 0)`)
  })

  test(`${browser.name}: a summary that was made from the body is not shown above it, one of its own is`, async t => {
    const w = await atlas(t, browser)
    const long = 'A sentence about islands, which is long enough to be cut. '.repeat(12)
    await w.server.import([
      {id: 'made', collection: 'guides', title: 'Made', body: `<p>Only a <em>first</em>\n paragraph.</p><p>And a second one.</p>`},
      {id: 'cut', collection: 'guides', title: 'Cut', body: `<p>${long}</p>`},
      {id: 'own', collection: 'guides', title: 'Own', summary: 'Something else.', body: `<p>Only a first paragraph.</p>`},
      {id: 'bare', collection: 'guides', title: 'Bare', summary: 'A summary without a body.'},
    ])
    const page = await w.open(`${w.script()}${['made', 'cut', 'own', 'bare'].map(id => `<stile-item id="${id}" item="${id}"></stile-item>`).join('')}`)
    for (const id of ['made', 'cut', 'own', 'bare']) await untilIn(w, page, `#${id}`, 'article .title')
    const summaries = await page.evaluate(() => [...document.querySelectorAll('stile-item')].map(item => item.shadowRoot.querySelector('.header .summary')?.innerText ?? ''))
    assert.deepEqual(summaries, ['', '', 'Something else.', 'A summary without a body.'])
  })

  test(`${browser.name}: no separator stands alone, and titles, summaries and bodies have their own direction`, async t => {
    const w = await atlas(t, browser)
    await w.server.import([{id: 'jazira', collection: 'guides', title: 'عن الجزر', summary: 'ما الذي يجعل أرضًا جزيرة؟', body: '<p>نص</p><ul><li>أول</li></ul>', tags: ['جزيرة']}])
    const page = await w.open(`<style>stile-item::part(collection) {display: none}</style>${w.script()}<stile-item item="on-islands" id="english"></stile-item><stile-item item="jazira"></stile-item><stile-results query="الجزر" facets="tag"></stile-results>`)
    await untilIn(w, page, '#english', 'article .title')
    await untilIn(w, page, '[item=jazira]', 'article .title')
    await untilIn(w, page, 'stile-results', '.count:not(:empty)')
    const seen = await page.evaluate(() => {
      const english = document.querySelector('#english').shadowRoot, arabic = document.querySelector('[item=jazira]').shadowRoot
      const direction = part => getComputedStyle(arabic.querySelector(part)).direction
      return {
        about: english.querySelector('.about').innerText.trim(), before: getComputedStyle(english.querySelector('time'), '::before').content,
        directions: ['.title', '.summary', '.body', '.body ul'].map(direction),
        count: document.querySelector('stile-results').shadowRoot.querySelector('.count').textContent,
      }
    })
    assert.deepEqual(seen, {about: 'March 14, 2026', before: 'none', directions: Array(4).fill('rtl'), count: '1 result for “\u2068الجزر\u2069”'})
  })

  test(`${browser.name}: the page number says of how many, unless the total is unknown`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-results query="island" page-size="10"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.page')
    assert.deepEqual(await textsIn(page, 'stile-results', '.page'), ['Page 1 of 9'])
    w.api.intercept = async ({path, form}) => {
      if (path !== '/v1/items') return undefined
      const answer = await (await fetch(`${w.server.url}/v1/items`, {method: 'POST', body: form, headers: {origin: w.site.origin}})).json()
      return {status: 200, type: 'application/json', body: JSON.stringify({...answer, meta: {...answer.meta, incomplete: ['total']}})}
    }
    await focusIn(page, 'stile-results', '.next')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page').innerText === 'Page 2')
  })
}
