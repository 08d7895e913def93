/**
 * Writes pictures of every element in every state for review, to test/shots/ or the folder in
 * STILE_SHOTS: light, dark, forced dark on a light page, narrow, from right to left, and with two
 * pixels for each CSS pixel. axe-core checks each of them.
 */
import assert from 'node:assert/strict'
import {mkdir, readFile, stat} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {atlas, focusIn, typeAtOnce, untilIn, untilPictures} from './elements.mjs'
import {chromium} from './harness.mjs'

const folder = process.env.STILE_SHOTS ? `${process.env.STILE_SHOTS}/` : fileURLToPath(new URL('shots/', import.meta.url))

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A refusal, as the server sends it. */
const refused = (code, status, more = {}) => ({status, type: 'application/json', body: JSON.stringify({error: {type: '/problems/' + code, code, status, title: code, detail: '', ref: '7QK2-M4TD', renewable: false, retry_after: null, challenge: null, ...more}})})

const error = (code, status, more) => ({html: '<h1>Atlas</h1><stile-results></stile-results>', answer: refused(code, status, more), ready: ['stile-results', '.message .code']})

const page = `html{color-scheme:light dark;background:Canvas;color:CanvasText;font:17px/1.5 "TeX Gyre Pagella",Georgia,serif}
  body{margin:0 auto;padding:clamp(1rem,4vw,3rem);max-width:66rem} h1{font-size:2.2rem;letter-spacing:-.02em;margin:0 0 1.2rem} stile-search{margin-block-end:2rem}`

const scenes = {
  results: {html: '<h1>Atlas</h1><stile-search label="Find a place" placeholder="A country, a capital, a language"></stile-search><stile-results query="island" facets="collection,tag,currency" page-size="6"></stile-results>', ready: ['stile-results', '.card h2 mark']},
  themed: {html: '<style>stile-search,stile-results{--stile-accent:light-dark(#8a1c2e,#f2a0aa);--stile-on-accent:light-dark(#fff,#2a0a10);--stile-heading-font:"TeX Gyre Heros",Helvetica,sans-serif;--stile-radius:0;--stile-image-ratio:1}</style><h1>Atlas</h1><stile-search label="Find a place"></stile-search><stile-results query="island" facets="collection,tag,currency" page-size="6"></stile-results>', ready: ['stile-results', '.card h2 mark']},
  grid: {html: '<h1>Atlas</h1><stile-results collection="europe" layout="grid" mode="more" page-size="8" facets="tag"></stile-results>', ready: ['stile-results', '.card h2']},
  suggestions: {html: '<h1>Atlas</h1><stile-search label="Find a place"></stile-search><stile-results page-size="4"></stile-results>', ready: ['stile-results', '.card h2'], then: async (w, page) => {
    await focusIn(page, 'stile-search', 'input')
    await typeAtOnce(page, 'isl')
    await untilIn(w, page, 'stile-search', '[role=option]')
    await page.keyboard.press('ArrowDown')
  }},
  carousel: {html: '<h1>Atlas</h1><h2>Islands</h2><stile-list tag="island" layout="carousel" label="Islands"></stile-list><p>And so on.</p>', ready: ['stile-list', '.card h2']},
  list: {html: '<h1>Atlas</h1><stile-list collection="oceania" page-size="5"></stile-list>', ready: ['stile-list', '.card h2']},
  item: {html: '<stile-item item="iceland" heading-level="1" related></stile-item>', ready: ['stile-item', '.related .card']},
  essay: {html: '<stile-item item="on-islands" heading-level="1"></stile-item>', ready: ['stile-item', '.body p']},
  empty: {html: '<h1>Atlas</h1><stile-search></stile-search><stile-results query="xyzzy plugh"></stile-results>', ready: ['stile-results', '.message']},
  least: {html: '<h1>Atlas</h1><stile-search label="Find a place"></stile-search><stile-results query="island" facets="collection,tag" page-size="6"></stile-results>', meta: {total: 2000, facets: {}, incomplete: ['total', 'facets']}, ready: ['stile-results', '.card h2 mark']},
  more: {html: '<h1>Atlas</h1><stile-results query="island" facets="collection,tag" mode="more" page-size="4"></stile-results>', meta: {total: 2000, facets: {tag: [{value: 'island', count: 1200}]}, incomplete: ['total', 'facets']}, ready: ['stile-results', '.card h2 mark']},
  shaped: {html: '<h1>Atlas</h1><stile-results query="island" facets="collection,tag" attributes="capital,area_km2" sort-by="relevance,newest,title" ranges="area_km2,published_at" page-size="4"></stile-results>', meta: {ranges: {area_km2: {min: 1, max: 17098242}, published_at: {min: '2026-01-01', max: '2026-03-14'}}, corrected: [['island', 'island']], relaxed: true, full: 3, ignored: ['the']}, ready: ['stile-results', '.range'], then: (w, page) => page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.disclose').click())},
  own: {html: '<style>.place{display:grid;grid-template-columns:8rem 1fr;gap:0 1rem;padding-block:1rem;border-block-start:1px solid #8888}.place img{grid-row:span 3;inline-size:100%}.place h2,.place p{margin:0}</style><h1>Atlas</h1><stile-results query="island" page-size="4" link="#{id}"><template><article class="place"><img data-field="image"><h2><a data-field="link"></a></h2><p data-field="summary"></p><p data-if="attributes.capital">Capital: <b data-field="attributes.capital"></b></p></article></template></stile-results>', ready: ['stile-results', 'slot[name]']},
  refused: {html: '<h1>Atlas</h1><stile-results></stile-results>', script: {'data-token-url': null}, ready: ['stile-results', '.message .code']},
  two: {html: '<stile-search></stile-search><stile-results></stile-results>', plain: true, ready: ['stile-results', '.card h2']},
  blocked: error('address_blocked', 403, {retry_after: 59}),
  suspended: error('tenant_suspended', 403),
  mismatch: error('client_mismatch', 403),
  malformed: error('bad_request', 400),
  gone: {html: '<h1>Atlas</h1><stile-item item="nowhere"></stile-item>', ready: ['stile-item', '.message .code']},
  opened: {html: '<h1>Atlas</h1><stile-search></stile-search><stile-results query="island" facets="collection,tag" page-size="3"></stile-results>', ready: ['stile-results', '.card h2 mark'], then: async (w, page) => {
    if (await page.evaluate(() => innerWidth < 700)) await page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.disclose').click())
  }},
  arabic: {html: '<h1>Atlas</h1><stile-item item="jazira"></stile-item><stile-results query="الجزر" facets="tag,collection"></stile-results>', ready: ['stile-results', '.card h2']},
  waiting: {html: '<h1>Atlas</h1><stile-results facets="tag" page-size="4"></stile-results><stile-list layout="carousel"></stile-list>', hang: true, ready: ['stile-results', '.bone']},
}

const looks = {
  light: {scheme: 'light', width: 1200}, dark: {scheme: 'dark', width: 1200}, narrow: {scheme: 'light', width: 360}, rtl: {scheme: 'light', width: 1200, dir: 'rtl'},
  forced: {scheme: 'light', width: 1200, theme: 'dark'}, sharp: {scheme: 'light', width: 600, scale: 2},
}

test('pictures of the elements', async t => {
  await mkdir(folder, {recursive: true})
  const w = await atlas(t, chromium)
  await w.server.import([{id: 'jazira', collection: 'guides', title: 'عن الجزر 12', summary: 'ما الذي يجعل أرضًا جزيرة؟', body: '<p>نص عن <b>25 m²</b> والجزر.</p><ul><li>السويد</li><li>النرويج</li></ul><blockquote>لا أحد جزيرة.</blockquote>', tags: ['جزيرة', 'مقال'], attributes: {author: 'ابن بطوطة', pages: 21450}, url: 'https://example.org/jazira'}])
  for (const [name, scene] of Object.entries(scenes).filter(([name]) => !process.env.STILE_SCENE || process.env.STILE_SCENE.split(',').includes(name)))
    for (const [look, options] of Object.entries(looks)) await t.test(`${name}, ${look}`, () => shoot(w, name, scene, look, options))
})

async function shoot(w, name, scene, look, {scheme, width, dir = 'ltr', theme, scale = 1}) {
  if (scene.answer) w.api.intercept = request => request.path === '/v1/items' ? scene.answer : undefined
  if (scene.hang) w.api.intercept = request => request.path === '/v1/items' ? new Promise(() => {}) : undefined
  if (scene.meta) w.api.intercept = request => request.path === '/v1/items' ? withMeta(w, request, scene.meta) : undefined
  const opened = await w.open(`<script>document.documentElement.dir = '${dir}'</script>${w.script({...theme && {'data-theme': theme}, ...scene.script})}<main>${scene.html}</main>`, {
    head: `<meta name="viewport" content="width=device-width,initial-scale=1"><style>${scene.plain ? '' : page + (theme ? 'html{color-scheme:light}' : '')}</style>`,
    prepare: async page => {
      await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}])
      await page.setViewport({width, height: 900, deviceScaleFactor: scale})
    },
  })
  await untilIn(w, opened, ...scene.ready)
  await scene.then?.(w, opened)
  const height = scene.hang ? 900 : await opened.evaluate(() => Math.max(600, document.documentElement.scrollHeight))
  await opened.setViewport({width, height, deviceScaleFactor: scale})
  await untilPictures(w, opened)
  const file = `${folder}${name}-${look}.png`
  await opened.screenshot({path: file})
  assert.ok((await stat(file)).size > 5_000, `${file} is not empty`)
  assert.equal(await opened.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing is wider than the page')
  w.api.intercept = () => undefined
  await opened.evaluate(axe)
  const {violations} = await opened.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}))
  assert.deepEqual(violations.map(({id, nodes}) => `${id}: ${nodes.map(node => node.target.flat().join(' ')).join('; ')}`).filter(line => !scene.plain || !line.startsWith('page-has-heading-one')), [])
  await opened.close()
}

/** A response with incomplete counts. */
async function withMeta(w, {form}, meta) {
  const answer = await (await fetch(`${w.server.url}/v1/items`, {method: 'POST', body: form})).json()
  return {status: 200, type: 'application/json', body: JSON.stringify({...answer, meta: {...answer.meta, ...meta}})}
}
