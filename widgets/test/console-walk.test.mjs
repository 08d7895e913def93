/**
 * An operator's first day with the console, by the keyboard alone, in the real program: from the
 * one-time password to the export.
 */
import assert from 'node:assert/strict'
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, before, test} from 'node:test'
import {calm, chromium, recipes} from './harness.mjs'
import {Api} from './harness/api.mjs'
import {Keyboard} from './harness/keyboard.mjs'
import {Server} from './harness/server.mjs'
import {Site} from './harness/site.mjs'
import {Watch} from './harness/watch.mjs'

const password = 'a long way round', visitor = '203.0.113.9'
const files = mkdtempSync(join(tmpdir(), 'stile-walk-'))
const acme = {id: 'acme', secret: ''}
const ends = [] // what stops at the end, the last first
let api, site, server, context, page, keyboard
const complaints = [] // of all pages

before(async () => {
  api = await Api.listen()
  ends.push(() => api.stop())
  site = await Site.start(issue)
  ends.push(() => site.stop())
  server = await Server.start({STILE_PUBLIC_URL: api.origin, STILE_TRUSTED_PROXIES: '127.0.0.1/32', ...calm})
  ends.push(() => server.stop())
  api.serve(server)
  api.from = visitor
  await server.import(recipes)
  context = await chromium.context()
  await context.overridePermissions(server.admin, ['clipboard-read', 'clipboard-write', 'clipboard-sanitized-write'])
  page = await watched()
  page.setDefaultTimeout(60_000)
  keyboard = new Keyboard(page)
  const cdp = await page.createCDPSession()
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {options: {protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true}})
  await cdp.send('Browser.setDownloadBehavior', {behavior: 'allow', downloadPath: files, browserContextId: context.id})
  await page.goto(server.admin)
})

after(async () => {
  await context?.close().catch(() => {}) // the browser may have ended first
  for (const end of ends.reverse()) await end()
  rmSync(files, {recursive: true, force: true})
})

/** The tenant's token route. */
async function issue() {
  return (await (await server.oauth('token', acme, {grant_type: 'client_credentials'})).json()).access_token
}

/** Opens a page whose complaints are those of the walk: errors, and what a policy forbids. */
async function watched() {
  const opened = await context.newPage(), watch = await Watch.begin(opened)
  watch.complaints = complaints
  opened.on('request', request => request.url().endsWith('/reports') && request.method() === 'POST' && complaints.push(`a report: ${request.postData()}`))
  return opened
}

const path = () => new URL(page.url()).pathname
const text = selector => page.$eval(selector, node => node.innerText)
const clipboard = () => page.evaluate(() => navigator.clipboard.readText())

/** Removes the complaints about responses with a status. */
function forgive(status) {
  complaints.splice(0, complaints.length, ...complaints.filter(line => !new RegExp(`Failed to load resource.*\\b${status}\\b`).test(line)))
}

/** Chooses a file for the form. Space opens the chooser; Enter would send the form. */
async function choose(file) {
  await keyboard.to('File')
  const [chooser] = await Promise.all([page.waitForFileChooser(), page.keyboard.press('Space')])
  await chooser.accept([file])
}

/** Waits for a file that was downloaded, and returns its text. */
async function downloaded(ending) {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 50))) {
    const name = readdirSync(files).find(name => name.endsWith(ending))
    if (name) return readFileSync(join(files, name), 'utf8')
  }
  throw new Error(`no ${ending} was downloaded: ${readdirSync(files)}`)
}

/** Opens a page of the tenant in a window of a visitor, and waits for a condition in it. */
async function visit(html, condition) {
  const visited = await watched()
  await visited.goto(site.add('/page.html', html))
  await visited.waitForFunction(condition, {timeout: 60_000}).catch(async error => {
    throw new Error(`${error.message}\n${await visited.evaluate(() => document.body.innerHTML)}\n${complaints.join('\n')}`)
  }).finally(() => page.bringToFront())
  return visited
}

test('the walk: the first owner changes the password, and signs in with a passkey', async () => {
  assert.equal(server.owner.name, 'owner')
  await keyboard.fill({Name: server.owner.name, Password: server.owner.password})
  await keyboard.submit()
  await keyboard.fill({'New password': password, 'The same again': password})
  await keyboard.submit()
  assert.equal(path(), '/')
  await keyboard.press('owner')
  await keyboard.follow('Account and sessions')
  await keyboard.follow('Add a passkey')
  assert.match(await text('main'), /This device/)
  await keyboard.press('owner')
  await keyboard.follow('Sign out')
  await keyboard.follow('Sign in with a passkey')
  assert.equal(await text('h1'), 'Overview')
  await keyboard.press('owner')
  assert.match(await text('.account .pop'), /Signed in with passkey/)
  await page.keyboard.press('Escape')
  assert.deepEqual(complaints, [])
})

let snippet
test('the walk: a tenant is created, and its snippet shows items on another origin', async () => {
  await keyboard.go('t')
  await keyboard.follow('Add a tenant')
  await keyboard.fill({client_id: 'acme', 'Name of the organisation': 'Acme Ltd', Sites: site.origin})
  await keyboard.press('Allow sites with plain http', undefined, 'Space')
  await keyboard.follow('Add the tenant')
  await keyboard.copy('Copy client_secret')
  acme.secret = await clipboard()
  await keyboard.follow('Continue to the tenant')
  await keyboard.copy('Copy HTML for the tenant’s page')
  snippet = await clipboard()
  await visit(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Acme</title><body>${snippet}`, () => /Plum cake/.test(document.querySelector('stile-results')?.shadowRoot?.textContent))
  await page.waitForFunction(() => /\b1\b/.test(document.querySelector('#figures').innerText))
  assert.deepEqual(complaints, [])
})

test('the walk: a refusal is found by its reference, and the block is lifted', async () => {
  await keyboard.go('a')
  await keyboard.press('Block a range…', 'dialog[open]')
  await keyboard.fill({Range: visitor, Reason: 'a mistake'})
  await keyboard.follow('Block the range')
  assert.match(await text('.flash'), /is blocked/)
  const refused = await visit(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Acme</title><body>${snippet}`, () => /\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/.test(document.querySelector('stile-results')?.shadowRoot?.textContent))
  const ref = await refused.evaluate(() => /\b[0-9A-Z]{4}-[0-9A-Z]{4}\b/.exec(document.querySelector('stile-results').shadowRoot.textContent)[0])
  forgive(403) // the refusal itself
  await keyboard.search(ref)
  assert.equal(path(), `/refusals/${ref}`)
  assert.match(await text('main'), /address_blocked[^]*block/)
  await keyboard.follow('The address')
  await keyboard.follow(`Lift ${visitor}/32`)
  assert.match(await text('.flash'), /is lifted/)
  await visit(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Acme</title><body>${snippet}`, () => /Plum cake/.test(document.querySelector('stile-results')?.shadowRoot?.textContent))
  assert.deepEqual(complaints, [])
})

test('the walk: items are imported by upload, and the import is undone', async () => {
  const file = join(files, 'pies.jsonl'), empty = join(files, 'empty.jsonl')
  writeFileSync(file, '{"id":"apple-pie","collection":"recipes","title":"Apple pie"}\n')
  writeFileSync(empty, '')
  await keyboard.go('c')
  await keyboard.press('Import…', 'dialog[open]')
  await choose(empty)
  await keyboard.follow('Upload and preview')
  assert.match(await text('main form'), /the file is empty/i)
  forgive(400) // the error itself
  await choose(file)
  await keyboard.follow('Upload and preview')
  // a document of its own, which is updated while the file is checked
  assert.equal(await page.evaluate(() => performance.getEntriesByType('navigation')[0].name), page.url())
  await page.waitForSelector('#actions[data-live] button')
  await page.waitForFunction(() => /Nothing is changed yet/.test(document.querySelector('main').innerText))
  await keyboard.follow('Import now pies.jsonl')
  await page.waitForFunction(() => /The items are imported/.test(document.querySelector('main').innerText))
  assert.equal((await server.command('content', 'show', 'apple-pie')).title, 'Apple pie')
  await keyboard.go('c')
  await keyboard.press('Undo…', 'dialog[open]')
  await keyboard.follow('Undo the change')
  assert.match(await text('.flash'), /undone/i)
  await assert.rejects(server.command('content', 'show', 'apple-pie'))
  assert.deepEqual(complaints, [])
})

test('the walk: lists are exported as CSV and NDJSON, and the audit log knows it', async () => {
  await keyboard.go('r')
  await keyboard.to('CSV: Refusals, the newest first')
  await page.keyboard.press('Enter')
  assert.match(await downloaded('.csv'), /^[^\n]*\bcode\b[^\n]*\n[^\n]*address_blocked/)
  await keyboard.go('u')
  await keyboard.to('NDJSON: By day')
  await page.keyboard.press('Enter')
  const lines = (await downloaded('.ndjson')).trim().split('\n').map(line => JSON.parse(line))
  assert.equal(lines.reduce((sum, line) => sum + line.calls, 0), 2)
  await keyboard.go('l')
  assert.match(await text('main'), /refusal list[^]*csv/i)
  assert.deepEqual(complaints, [])
})
