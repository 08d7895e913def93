/** Signing in at the console: passwords, passkeys, and the pages about accounts. */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {mkdir} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {after, test} from 'node:test'
import {chromium} from './harness.mjs'
import {Server} from './harness/server.mjs'
import {Watch} from './harness/watch.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const server = await Server.start({})
after(() => server.stop())

const password = 'a long way round'
const shots = process.env.STILE_SHOTS // a directory for pictures of the pages; "": none

/** A window with an authenticator in it. */
async function open(t) {
  const context = await chromium.context(), page = await context.newPage()
  t.after(() => context.close())
  const watch = await Watch.begin(page), cdp = await page.createCDPSession()
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {options: {protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true}})
  await page.goto(server.admin)
  return {page, watch, context}
}

/** Types into fields, presses Enter in the last one, and waits for the next page. */
async function send(page, fields) {
  for (const [name, text] of Object.entries(fields)) {
    await page.focus(`main [name=${name}]`)
    await page.keyboard.type(text)
  }
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
}

/** Presses an element by the keyboard, and waits for the next page. */
async function press(page, selector) {
  await page.waitForSelector(`${selector}:not([hidden])`)
  await page.focus(selector)
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
}

const signOut = page => Promise.all([page.waitForNavigation(), page.$eval('form[action="/sign-out"]', form => form.requestSubmit())])
// The overview has tests of its own.
const isNotOverview = line => !line.endsWith(` ${server.admin}/`)
const credential = page => page.$eval('.account .pop p', node => node.textContent)

/** Asserts that axe finds nothing, in both colour schemes, and takes pictures. */
async function look(page, name) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}])
    const problems = await page.evaluate(async source => {
      // The page's policy allows no script of another origin; the test runs in the page itself.
      if (!globalThis.axe) (0, eval)(source)
      const {violations} = await globalThis.axe.run(document)
      return violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' ')}`)
    }, axe).catch(error => [error.message])
    assert.deepEqual(problems, [], `${name}, ${scheme}`)
    if (!shots) continue
    await mkdir(shots, {recursive: true})
    for (const width of [1100, 375]) {
      await page.setViewport({width, height: 800})
      await page.screenshot({path: `${shots}/${name}-${scheme}-${width}.png`, fullPage: true})
    }
    await page.setViewport({width: 1100, height: 800})
  }
}

test('an admin replaces the one-time password, adds a passkey, and signs in with it', async t => {
  const made = await server.command('admin', 'add', 'alice', '--role', 'owner')
  const {page, watch} = await open(t)
  await page.setBypassCSP(true) // for axe only; the next test checks the policy
  await page.reload()
  await look(page, 'sign-in')
  await send(page, {name: 'alice', password: made.password})
  await look(page, 'one-time')
  await send(page, {password, repeated: password})
  assert.match(await credential(page), /password/)

  await page.goto(`${server.admin}/account`)
  await press(page, '[data-passkey=add] [data-passkey-start]')
  assert.match(await page.$eval('main', node => node.textContent), /This device.*localhost/s)
  await look(page, 'account')
  await signOut(page)

  await press(page, '[data-passkey=sign-in] [data-passkey-start]')
  assert.equal(await credential(page), 'Signed in with passkey')
  await signOut(page)

  await send(page, {name: 'alice', password})
  assert.match(page.url(), /\/sign-in\/passkey$/, 'the password alone is not enough')
  await look(page, 'second')
  await press(page, '[data-passkey=second] [data-passkey-start]')
  assert.equal(await credential(page), 'Signed in with password and passkey')

  for (const [path, name] of [['/admins', 'admins']].concat(!shots ? [] : [ ['/admins/alice', 'admin'], ['/add/admin', 'add-admin'], ['/audit', 'audit'], ['/audit/verify', 'verify'], ['/audit/2', 'entry']])) {
    await page.goto(server.admin + path)
    await look(page, name)
  }
  assert.deepEqual(watch.complaints.filter(isNotOverview), [])
})

test('passkeys work under the policy of the pages, and a copied challenge is refused', async t => {
  const made = await server.command('admin', 'add', 'bob', '--role', 'viewer')
  const {page, watch} = await open(t)
  await send(page, {name: 'bob', password: made.password})
  await send(page, {password, repeated: password})
  await page.goto(`${server.admin}/account`)
  await press(page, '[data-passkey=add] [data-passkey-start]')
  await signOut(page)
  const bodies = []
  page.on('request', request => request.url().endsWith('/check') && bodies.push({body: request.postData(), headers: request.headers()}))
  await press(page, '[data-passkey=sign-in] [data-passkey-start]')
  assert.equal(bodies.length, 1)
  const status = await page.evaluate(async ({body, headers}) => (await fetch('/sign-in/passkey/check', {method: 'POST', body, headers: {'X-CSRF-Token': headers['x-csrf-token']}})).status, bodies[0])
  assert.equal(status, 403, 'the form of the sign-in is over')
  assert.deepEqual(watch.complaints.filter(isNotOverview).filter(line => !line.includes('403')), [])
  await page.goto(`${server.admin}/admins`)
  assert.match(await page.$eval('main', node => node.textContent), /needs the role owner/)
})
