/** Signing in at the console with passwords and passkeys. console-pages checks the pages' look. */
import assert from 'node:assert/strict'
import {after, test} from 'node:test'
import {chromium} from './harness.mjs'
import {Server} from './harness/server.mjs'
import {Watch} from './harness/watch.mjs'

const server = await Server.start({})
after(() => server.stop())

const password = 'a long way round'

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

test('an admin replaces the one-time password, adds a passkey, and signs in with it', async t => {
  const made = await server.command('admin', 'add', 'alice', '--role', 'owner')
  const {page, watch} = await open(t)
  await send(page, {name: 'alice', password: made.password})
  await send(page, {password, repeated: password})
  assert.match(await credential(page), /password/)

  await page.goto(`${server.admin}/account`)
  await press(page, '[data-passkey=add] [data-passkey-start]')
  assert.match(await page.$eval('main', node => node.textContent), /This device.*localhost/s)
  await signOut(page)

  await press(page, '[data-passkey=sign-in] [data-passkey-start]')
  assert.equal(await credential(page), 'Signed in with passkey')
  await signOut(page)

  await send(page, {name: 'alice', password})
  assert.match(page.url(), /\/sign-in\/passkey$/, 'the password alone is not enough')
  await press(page, '[data-passkey=second] [data-passkey-start]')
  assert.equal(await credential(page), 'Signed in with password and passkey')

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
