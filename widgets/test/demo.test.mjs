/** The demo tenant's site: what newcomers see in the first two minutes. */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {mkdir, stat} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {after, test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {Magazine, startDemo} from './demo.mjs'
import {browsers, chromium} from './harness.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const server = await startDemo()
after(() => server.stop())

async function open(t, browser, ...more) {
  const m = await Magazine.open(browser, server, ...more)
  t.after(() => m.close())
  return m
}

/** Asserts that lines match the patterns in this order. Other lines may be between them. */
function assertLines(lines, ...patterns) {
  let at = 0
  for (const line of lines) if (patterns[at]?.test(line)) at++
  assert.equal(at, patterns.length, `${patterns[at]} is missing, in this order, in:\n${lines.join('\n')}`)
}

for (const browser of browsers) {
  test(`${browser.name}: the front page shows all four elements, and the panel reports the first token`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover', '#giants', '#tiny', '#results')
    assert.ok(await m.page.evaluate(() => Boolean(document.querySelector('stile-search').shadowRoot.querySelector('[role=combobox]'))))
    assertLines(await m.lines(), /^stile: No token yet.*token_missing/, /^tenant: A new token, after/, /^page: stile-/)
    assert.equal((await m.lines()).filter(line => line.startsWith('tenant: A new token')).length, 1, 'one token for all of them')
    await m.until(() => / of 400$/.test(document.querySelector('#token-calls').textContent))
    assert.deepEqual(m.watch.complaints, [])
  })

  test(`${browser.name}: a revoked token is renewed, and the page continues`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover')
    assertLines(await m.trouble('revoke'), /^tenant: .*revoked token/, /token_revoked/, /^tenant: A new token/, /^page: The page’s next call was answered/)
  })

  test(`${browser.name}: a token is refused at another address, and the page continues`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover')
    await m.until(() => /address|key/.test(document.querySelector('#token-binding').textContent))
    const lines = await m.trouble('elsewhere')
    assertLines(lines, /^caller: 203\.0\.113\.9 used your token and was refused.*runs: \.\/bin\/stile explain [0-9A-Z]{4}-/, /^page: The page’s next call was answered/)
    const renewed = lines.some(line => line.includes('token_hijacked')), bound = await m.token('binding')
    assert.equal(renewed, bound === 'your address', `bound to ${bound}`)
  })

  test(`${browser.name}: a token that is used up is renewed, and the page continues`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover')
    assertLines(await m.trouble('spend'), /^you: Your page fetches 50 items per call/, /token_exhausted/, /^tenant: A new token/, /^you: The old token delivered 1,\d{3} items/, /^page: The page’s next/)
  })

  test(`${browser.name}: fast calls are challenged, and work is solved in the background`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover')
    assertLines(await m.trouble('challenge'), /^you: /, /^stile: Challenge: work/, /^page: Solved in/, /^page: The page’s next/)
    assert.equal(await m.page.evaluate(() => document.querySelectorAll('dialog[open]').length), 0)
  })

  test(`${browser.name}: calls without a pause lead to a picture`, async t => {
    const m = await open(t, browser)
    await m.untilShown('#cover')
    const ended = m.trouble('picture')
    await m.until(() => [...document.body.children].some(host => host.shadowRoot?.querySelector('dialog[open] img')))
    await m.page.keyboard.press('Escape')
    assertLines(await ended, /^stile: Challenge: work/, /Solved/, /^stile: Challenge: a picture/, /^page: The page could not continue\. challenge_required/)
  })

  test(`${browser.name}: the panel can be closed and opened by the keyboard, and its state is stored`, async t => {
    const m = await open(t, browser)
    await m.page.focus('#panel-close')
    await m.page.keyboard.press('Escape')
    assert.equal(await m.page.evaluate(() => document.activeElement.id), 'panel-open')
    await m.page.reload()
    await m.until(() => document.querySelector('#panel').hidden && !document.querySelector('#panel-open').hidden)
    await m.page.focus('#panel-open')
    await m.page.keyboard.press('Enter')
    assert.deepEqual(await m.page.evaluate(() => [document.activeElement.id, document.querySelector('#panel').hidden]), ['panel-close', false])
  })

  test(`${browser.name}: links lead to the magazine's own pages`, async t => {
    const m = await open(t, browser, '/country?item=iceland')
    await m.untilShown('#country')
    assert.equal(await m.page.evaluate(() => document.querySelector('#country').shadowRoot.querySelector('h1').textContent), 'Iceland')
    await m.page.evaluate(() => document.querySelector('#country').shadowRoot.querySelectorAll('[part=body] a')[1].click())
    await m.until(() => location.search === '?item=south-korea')
    await m.untilShown('#country')
    await m.until(() => document.querySelector('#country').shadowRoot.querySelector('[part~=related] [part~=card] a')?.href.startsWith(location.origin + '/country?item='))
  })
}

for (const scheme of ['light', 'dark'])
  test(`axe-core finds no problem, ${scheme}, and nothing is wider than a phone`, async t => {
    const m = await open(t, chromium, '/', {scheme})
    await m.untilShown('#cover', '#giants', '#tiny', '#results')
    assert.deepEqual(await problems(m.page), [])
    await m.page.setViewport({width: 375, height: 740})
    assert.ok(await m.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways')
  })

for (const scheme of ['light', 'dark'])
  test(`axe-core finds no problem on the start page, ${scheme}, and it fits a phone`, async t => {
    const m = await open(t, chromium, '/', {scheme, width: 375})
    await m.page.goto(server.url)
    await m.until(() => [...document.images].every(image => image.complete && image.naturalWidth))
    assert.deepEqual(await problems(m.page), [])
    assert.ok(await m.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'the page scrolls sideways')
    assert.deepEqual(m.watch.complaints, [])
  })

/**
 * Pictures for review, in test/shots/. The README's picture, docs/demo.png, is a copy of
 * demo-desk-light.png.
 */
const folder = fileURLToPath(new URL('shots/', import.meta.url))
const looks = {
  'desk-light': {width: 1280, height: 930},
  'desk-dark': {width: 1280, height: 930, scheme: 'dark'},
  'phone-light': {width: 390, height: 844},
}

for (const [look, options] of Object.entries(looks))
  test(`a picture: ${look}`, async t => {
    await mkdir(folder, {recursive: true})
    const m = await open(t, chromium, '/', options)
    await m.untilShown('#cover', '#giants', '#tiny', '#results')
    if (await m.page.$eval('#panel', panel => !panel.hidden)) await m.trouble('elsewhere')
    await m.until(() => Boolean(document.querySelector('#cover').shadowRoot.querySelector('img')?.complete))
    await m.page.evaluate(() => document.activeElement.blur())
    const file = `${folder}demo-${look}.png`
    await m.page.screenshot({path: file})
    const {size} = await stat(file)
    assert.ok(size > 20_000 && size < 400_000, `${file} has ${size} bytes`)
  })

/**
 * The problems that axe-core finds. The browser injects axe-core, because the page's policy allows
 * no other script.
 */
async function problems(page) {
  const session = await page.createCDPSession()
  await session.send('Runtime.evaluate', {expression: axe})
  return page.evaluate(async () => {
    const {violations} = await globalThis.axe.run(document, {resultTypes: ['violations']})
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.flat().join(' ')} ${node.failureSummary}`))
  })
}
