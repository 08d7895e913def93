/**
 * The console in Chromium, with sample data and without signing in: pages with much data and with
 * hostile names, the keyboard, dialogs, live updates, and pages without script. Set STILE_SHOTS to
 * keep the screenshots.
 */
import assert from 'node:assert/strict'
import {execFile, spawn} from 'node:child_process'
import {mkdtempSync, readFileSync, rmSync} from 'node:fs'
import {createRequire} from 'node:module'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, before, test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {chromium} from './harness.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const root = fileURLToPath(new URL('../..', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'stile-console-test-'))
const shots = process.env.STILE_SHOTS ?? dir

before(() => promisify(execFile)('go', ['build', '-tags=sqlite_fts5', '-o', join(dir, 'serve'), './console/sample'], {cwd: root}))
after(() => rmSync(dir, {recursive: true, force: true}))

/** Starts a console with data: sample, hostile or empty. Returns its URL. */
async function serve(t, data) {
  const child = spawn(join(dir, 'serve'), [data], {stdio: ['ignore', 'pipe', 'inherit']})
  t.after(() => child.kill())
  return new Promise((resolve, reject) => {
    child.stdout.once('data', text => resolve(String(text).trim()))
    child.once('exit', () => reject(new Error('the console did not start')))
  })
}

/** Opens a page that records what is wrong: errors, and what the policy forbade. */
async function open(t, url, {script = true, width = 1280, scheme = 'light'} = {}) {
  const context = await chromium.context()
  t.after(() => context.close())
  const page = await context.newPage()
  page.complaints = []
  page.on('pageerror', error => page.complaints.push(String(error)))
  page.on('console', message => ['error', 'warn'].includes(message.type()) && page.complaints.push(message.text()))
  page.on('request', request => request.url().includes('/console/reports') && page.complaints.push(`a report: ${request.postData()}`))
  await page.setJavaScriptEnabled(script)
  await look(page, width, scheme)
  await page.goto(url)
  return page
}

async function look(page, width, scheme) {
  await page.setViewport({width, height: 800})
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}])
}

/** The problems that axe-core finds by all rules, or some: one line for each node. */
async function problems(page, rules) {
  await page.evaluate(axe)
  return page.evaluate(async rules => {
    const {violations} = await globalThis.axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})})
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.flat().join(' ')} ${node.failureSummary}`))
  }, rules)
}

/** Paths of the links of a page to other pages of the console. */
function links(page) {
  return page.evaluate(() => [...document.querySelectorAll('a[href]')].filter(link => link.origin === location.origin && !link.hash && !link.hasAttribute('download')).map(link => link.pathname))
}

/** A path without what differs from row to row: one page of each kind is enough. */
const kind = path => path.replace(/^(\/[a-z]+)\/[^/]+/, '$1/…')

/**
 * Visits every page that links lead to, in each window, and calls check for it. A section that this
 * console does not have is skipped. Returns the number of pages.
 */
async function walk(page, url, windows, check) {
  const seen = new Set(), waiting = ['/', '/search']
  for (let path; (path = waiting.shift()); ) {
    if (seen.has(kind(path)) || path.startsWith('/debug')) continue
    seen.add(kind(path))
    for (const [width, scheme] of windows) {
      await look(page, width, scheme)
      const response = await page.goto(url + path)
      if (response.status() === 404) {
        page.complaints.length = 0
        break
      }
      assert.equal(response.status(), 200, path)
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${path} is wider than ${width}`)
      await check(path, width, scheme)
      assert.deepEqual(page.complaints, [], path)
      waiting.push(...await links(page))
    }
  }
  return seen.size
}

// These have more to show than a new server has; console-pages checks all pages of one.
const full = ['/', '/?period=month', '/tenants', '/tenants/acme', '/usage', '/refusals', '/statements', '/statements/acme/2026-10']

test('console: axe-core finds no problem on pages with much data, in light and dark', async t => {
  const url = await serve(t, 'sample')
  const page = await open(t, url)
  for (const path of full) {
    const name = join(shots, `sample${path.replace(/[^a-z]+/g, '-')}`)
    await look(page, 1280, 'light')
    await page.goto(url + path)
    assert.deepEqual(await problems(page), [], path)
    await page.screenshot({path: `${name}-light.png`, fullPage: true})
    await look(page, 1280, 'dark')
    // Only the colours differ.
    assert.deepEqual(await problems(page, ['color-contrast']), [], `${path}, dark`)
    await look(page, 375, 'light')
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 375, `${path} is too wide`)
    await page.screenshot({path: `${name}-375.png`, fullPage: true})
    assert.deepEqual(page.complaints, [], path)
  }
})

test('console: hostile names are shown, and do nothing', async t => {
  const url = await serve(t, 'hostile')
  const page = await open(t, url)
  page.on('dialog', dialog => page.complaints.push(`a dialog: ${dialog.message()}`))
  const pages = await walk(page, url, [[375, 'dark']], path => page.screenshot({path: join(shots, `hostile${path.replace(/[^a-z]+/g, '-')}.png`), fullPage: true}))
  assert.ok(pages >= 10, `only ${pages} pages`)
})

test('console: the keyboard searches, goes to sections, and shows its keys', async t => {
  const url = await serve(t, 'sample')
  const page = await open(t, url)
  const focused = () => page.evaluate(() => document.activeElement.id)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip')
  await page.keyboard.press('/')
  assert.equal(await focused(), 'search')
  await page.keyboard.type('gu?')
  assert.equal(await page.evaluate(() => document.querySelector('#search').value), 'gu?')
  await page.evaluate(() => document.activeElement.blur())
  await page.keyboard.press('?')
  await page.waitForSelector('dialog[open]')
  assert.match(await page.evaluate(() => document.querySelector('dialog').innerText), /Tenants/)
  assert.deepEqual(await problems(page), [])
  await page.keyboard.press('Escape')
  await Promise.all([page.waitForNavigation(), page.keyboard.press('g'), page.keyboard.press('t')])
  assert.equal(new URL(page.url()).pathname, '/tenants')
  await page.keyboard.press('/')
  await page.keyboard.type('acme')
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
  assert.equal(new URL(page.url()).pathname, '/tenants/acme')
  assert.deepEqual(page.complaints, [])
})

test('console: a form is a dialog, and changes a tenant', async t => {
  const url = await serve(t, 'empty')
  const page = await open(t, `${url}/add/tenant`)
  await page.type('#field-client_id', 'acme')
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
  assert.match(await page.evaluate(() => document.body.innerText), /client_secret\s/)
  await page.goto(`${url}/tenants/acme`)
  await page.evaluate(() => [...document.querySelectorAll('a[data-dialog]')].find(link => link.textContent.startsWith('Suspend')).click())
  await page.waitForSelector('dialog[open] button.danger')
  assert.deepEqual(await problems(page), [])
  await Promise.all([page.waitForNavigation(), page.click('dialog button.danger')])
  assert.match(await page.evaluate(() => document.querySelector('.flash').textContent), /acme is suspended/)
  assert.equal(await page.evaluate(() => document.querySelectorAll('dialog').length), 0)
  await page.evaluate(() => [...document.querySelectorAll('a[data-dialog]')].find(link => link.textContent.startsWith('Resume')).click())
  await page.waitForSelector('dialog[open]')
  await page.click('dialog [data-close]')
  await page.waitForSelector('dialog', {hidden: true})
  assert.deepEqual(page.complaints, [])
})

test('console: without script, a tenant is added, suspended and removed', async t => {
  const url = await serve(t, 'empty')
  const page = await open(t, `${url}/tenants`, {script: false})
  const follow = async text => {
    const link = await page.$(`::-p-text(${text})`)
    await Promise.all([page.waitForNavigation(), link.click()])
  }
  await follow('Add a tenant')
  await page.type('#field-client_id', 'no such id')
  await page.type('#field-name', 'Acme Ltd')
  await Promise.all([page.waitForNavigation(), page.click('button.primary')])
  assert.equal(await page.$eval('#field-client_id', field => field.getAttribute('aria-invalid')), 'true')
  assert.equal(await page.$eval('#field-name', field => field.value), 'Acme Ltd')
  await page.$eval('#field-client_id', field => { field.value = 'acme' })
  await Promise.all([page.waitForNavigation(), page.click('button.primary')])
  await follow('Continue to the tenant')
  await follow('Suspend…')
  await Promise.all([page.waitForNavigation(), page.click('button.danger')])
  assert.match(await page.$eval('.flash', flash => flash.textContent), /suspended/)
  await follow('Remove…')
  await page.type('#field-confirm', 'acme')
  await Promise.all([page.waitForNavigation(), page.click('button.danger')])
  assert.match(await page.$eval('.flash', flash => flash.textContent), /Removed acme/)
})

test('console: a page updates itself, keeps what is open, and pauses', async t => {
  const url = await serve(t, 'sample')
  const page = await open(t, url)
  await page.evaluate(() => {
    document.querySelector('#calls details').open = true
    document.querySelector('#figures .value').textContent = 'old'
    document.querySelector('#calls .title').textContent = 'old'
  })
  await page.waitForFunction(() => document.querySelector('#figures .value').textContent !== 'old' && document.querySelector('#calls .title').textContent !== 'old', {timeout: 60_000})
  assert.equal(await page.evaluate(() => document.querySelector('#calls details').open), true)
  assert.equal(await page.evaluate(() => document.querySelector('#live-state').textContent), '')
  await page.click('[data-pause]')
  assert.equal(await page.evaluate(() => document.querySelector('[data-pause]').getAttribute('aria-pressed')), 'true')
  assert.match(await page.evaluate(() => document.querySelector('#live-state').textContent), /paused/)
  assert.deepEqual(page.complaints, [])
})
