/**
 * Every page of the real server for operators and for tenants' developers, with data in it: the
 * pages and forms of the console, those for signing in, of errors, of what is shown once, dialogs,
 * the tenant's own view on the public listener, and the statement as a file. The pages are found by
 * following links, and compared with the routes of the program, so that none is forgotten.
 *
 * On each, axe-core finds nothing in light and dark, nothing is wider than a window of 375 px, no
 * policy is violated, and at most 60 kB are sent. The pictures are in test/shots/console/, or in
 * the folder STILE_SHOTS.
 */
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {after, before, test} from 'node:test'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {promisify} from 'node:util'
import {chromium, recipes} from './harness.mjs'
import {Api} from './harness/api.mjs'
import {Server} from './harness/server.mjs'

const run = promisify(execFile)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const root = fileURLToPath(new URL('../..', import.meta.url))
const shots = process.env.STILE_SHOTS ?? fileURLToPath(new URL('shots/console/', import.meta.url))
const files = mkdtempSync(join(tmpdir(), 'stile-pages-'))
const most = 60_000 // bytes of a page with its style sheet and script, as they are sent
const password = 'a long way round', developer = '192.0.2.200'
const ends = [] // what stops at the end, the last first
const seen = new Set() // the routes that were visited
let api, server, context, page, viewer, routes, month, preview, link

before(async () => {
  rmSync(shots, {recursive: true, force: true})
  mkdirSync(shots, {recursive: true})
  const building = run('go', ['build', '-tags=sqlite_fts5', '-o', join(files, 'sample'), './console/sample'], {cwd: root})
  api = await Api.listen()
  ends.push(() => api.stop())
  server = await Server.start({STILE_PUBLIC_URL: api.origin, STILE_TRUSTED_PROXIES: '127.0.0.1/32', STILE_LOG_ADDRESSES: 'full', STILE_POLICY_ADDRESS_BINDINGS: 5, STILE_POLICY_ADDRESS_BLOCK: '2h'})
  ends.push(() => server.stop())
  api.serve(server)
  api.from = developer
  context = await chromium.context()
  page = await open(context)
  await building
  routes = JSON.parse((await run(join(files, 'sample'), ['routes'])).stdout).map(route => ({...route, pattern: new RegExp(`^${route.path.replace(/\{\$\}$/, '').replace(/\{[a-z_]+\}/g, '[^/?]+')}$`)}))
})

after(async () => {
  await context?.close().catch(() => {}) // the browser may have ended first
  for (const end of ends.reverse()) await end()
  rmSync(files, {recursive: true, force: true})
})

/** The route of a path. One without parameters is preferred, as the program does. */
const routeOf = path => routes.filter(route => route.pattern.test(path)).sort((a, b) => a.path.split('{').length - b.path.split('{').length)[0]?.path

/** Opens a tab that counts the bytes of its loads, and records what is wrong. */
async function open(context) {
  const page = await context.newPage(), cdp = await page.createCDPSession()
  page.complaints = []
  page.setDefaultTimeout(60_000)
  page.sent = 0
  page.on('pageerror', error => page.complaints.push(String(error)))
  page.on('console', message => ['error', 'warn'].includes(message.type()) && page.complaints.push(message.text()))
  page.on('request', request => request.url().endsWith('/reports') && page.complaints.push(`a report: ${request.postData()}`))
  await cdp.send('Network.enable')
  await cdp.send('Network.setCacheDisabled', {cacheDisabled: true})
  cdp.on('Network.loadingFinished', ({encodedDataLength}) => page.sent += encodedDataLength)
  await page.setViewport({width: 1280, height: 800})
  return page
}

/** Waits for the next page, counts its bytes, and returns its status. */
async function next(page, act) {
  page.sent = 0
  const [response] = await Promise.all([page.waitForNavigation(), act()])
  return response.status()
}

const visit = (page, url) => next(page, () => page.goto(url))
const submit = (page, selector = 'main form[method=post]:not([hidden]) :is(button.primary, button.danger)') => next(page, () => page.$eval(selector, button => button.click()))

/** Sets fields of the page's form. */
async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.$eval(`main [name=${name}]`, (field, value) => field.type === 'checkbox' ? field.checked = true : field.value = value, value)
}

/** The problems that axe-core finds by all rules, or some: one line for each node. */
async function problems(page, rules, within = 'html') {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe)
  return page.evaluate(async (rules, within) => {
    const {violations} = await globalThis.axe.run(document.querySelector(within), {resultTypes: ['violations'], ...(rules && {runOnly: rules})})
    return violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target.flat().join(' ')} ${node.failureSummary}`))
  }, rules ?? null, within)
}

const scheme = (page, value) => page.emulateMediaFeatures([{name: 'prefers-color-scheme', value}])
const shoot = (page, name, look) => page.screenshot({path: join(shots, `${name}.${look}.png`), fullPage: true, optimizeForSpeed: true})

/** Checks the page that is open, and takes its pictures. */
async function check(page, name) {
  const faults = [], {sent} = page
  if (sent > most || !sent) faults.push(`${sent} bytes`)
  await scheme(page, 'light')
  faults.push(...await problems(page))
  await shoot(page, name, 'light')
  await scheme(page, 'dark')
  faults.push(...await problems(page, ['color-contrast']))
  await shoot(page, name, 'dark')
  if (name === 'audit') {
    faults.push(...await page.$$eval('.scroll', list => list.filter(one => one.scrollWidth > one.clientWidth).map(one => `the table has ${one.scrollWidth} px in ${one.clientWidth} px`)))
    faults.push(...await page.$$eval('td[data-title=With]', cells => cells.filter(cell => {
      const text = document.createRange()
      text.selectNodeContents(cell.firstChild)
      return text.getClientRects().length > 1
    }).map(cell => `${cell.textContent} is wrapped`)))
  }
  await page.setViewport({width: 375, height: 800})
  await scheme(page, 'light')
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  if (width > 375) faults.push(`${width} px wide in a window of 375 px`)
  faults.push(...await page.evaluate(crowded))
  const cut = await page.$$eval('.fold', all => all.filter(table => table.parentElement.scrollWidth > table.parentElement.clientWidth).map(table => table.caption?.textContent ?? table.className))
  if (cut.length) faults.push(`cut off in a window of 375 px: ${cut}`)
  await shoot(page, name, '375')
  await page.setViewport({width: 1280, height: 800})
  faults.push(...page.complaints.splice(0))
  assert.deepEqual(faults, [], `${name}: ${page.url()}`)
}

/** What is too close or not next to each other in the narrow window. Runs in the page. */
function crowded() {
  const faults = [], box = element => element.getBoundingClientRect()
  for (const axis of document.querySelectorAll('.x')) {
    const times = [...axis.querySelectorAll('text')].filter(text => box(text).width)
    times.forEach((text, i) => i && box(text).left - box(times[i - 1]).right < 8 && faults.push(`${times[i - 1].textContent} and ${text.textContent} touch`))
  }
  for (const field of document.querySelectorAll('.check')) {
    const mark = box(field.querySelector('input')), label = box(field.querySelector('label'))
    if (mark.width && label.top >= mark.bottom) faults.push(`${field.textContent} is below its box`)
  }
  for (const part of document.querySelectorAll('.wide:has(> table)')) { // of a statement's file
    if (part.scrollWidth > part.clientWidth) faults.push(`a table of ${part.scrollWidth} px in ${part.clientWidth} px`)
  }
  return faults
}

/** A name for the pictures of a path. */
const nameOf = path => path === '/' ? 'overview' : path.replace(/^\//, '').replace(/\{([a-z_$]+)\}/g, '$1').replace(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '')

test('pages: those for signing in, and of a wrong password', async () => {
  const cdp = await page.createCDPSession()
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {options: {protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true}})
  await visit(page, `${server.admin}/`)
  await check(page, 'signin-form')
  await fill(page, {name: 'owner', password: 'wrong'})
  assert.equal(await submit(page), 401)
  page.complaints.length = 0 // the status
  await check(page, 'signin-wrong')
  await fill(page, {name: 'owner', password: server.owner.password})
  await submit(page)
  await check(page, 'signin-change')
  await fill(page, {password, repeated: password})
  await submit(page)
  await visit(page, `${server.admin}/account`)
  await next(page, () => page.$eval('[data-passkey=add] [data-passkey-start]', button => button.click()))
  await next(page, () => page.$eval('form[action="/sign-out"]', form => form.requestSubmit()))
  await fill(page, {name: 'owner', password})
  await submit(page)
  await check(page, 'signin-second')
  await next(page, () => page.$eval('[data-passkey=second] [data-passkey-start]', button => button.click()))
  assert.equal(await page.$eval('h1', node => node.textContent), 'Overview')
})

/** Calls the content API with a token, from an address. */
async function call(token, from, path = '/v1/items?limit=3', client = 'acme') {
  const response = await fetch(`${server.url}${path}${path.includes('?') ? '&' : '?'}client_id=${client}`, {headers: {authorization: `Bearer ${token}`, origin: `https://www.${client}.example`, 'x-forwarded-for': from}})
  return response.json()
}

test('pages: there is data for them', async () => {
  writeFileSync(join(files, 'own.jsonl'), '{"id":"own","collection":"notes","title":"Own","body":"<p>Only for acme.</p>"}\n')
  await server.import(recipes)
  const tenant = async (id, ...flags) => (await server.command('tenant', 'add', id, '--site', `https://www.${id}.example`, ...flags)).client_secret
  const secret = await tenant('acme', '--name', 'Acme Ltd', '--calls-per-month', '1000', '--currency', 'EUR', '--price', '0.002', '--price-per-record', '0.0005', '--tier', 'calls:11=0.001')
  await tenant('globe', '--name', 'Globe'.repeat(16)) // a word that is wider than a phone
  await server.command('content', 'import', join(files, 'own.jsonl'), '--tenant', 'acme')
  await server.command('tenant', 'suspend', 'globe')
  await server.command('tenant', 'set', 'acme', 'policy.token.calls=100')
  await server.command('address', 'block', '198.51.100.0/24', '--for', '7d', '--reason', 'scraper')
  await server.command('address', 'allow', '203.0.113.128/25', '--bindings', '500', '--reason', 'school')
  // Nobody is at that host, so deliveries fail.
  await server.command('webhook', 'add', 'https://ops.invalid/stile', '--tenant', 'acme')
  viewer = await open(await chromium.context())
  await visit(viewer, `${server.admin}/`)
  await fill(viewer, {name: 'victor', password: (await server.command('admin', 'add', 'victor', '--role', 'viewer')).password})
  await submit(viewer)
  await fill(viewer, {password, repeated: password})
  await submit(viewer)
  await viewer.goto('about:blank') // no page refreshes itself while the server is restarted
  link = (await server.command('tenant', 'link', 'add', 'acme')).url
  await run(process.env.STILE_BINARY ?? join(root, 'bin/stile'), ['webhook', 'test', (await server.command('webhook', 'list'))[0].id, '--json'], {cwd: server.dir}).catch(() => {})
  const token = async () => (await (await server.oauth('token', {id: 'acme', secret}, {grant_type: 'client_credentials'})).json()).access_token
  for (let n = 0; n < 6; n++) { // a back-end that caches tokens
    const cached = await token()
    for (let browser = 1; browser <= 5; browser++) await call(cached, `203.0.113.${browser}`)
  }
  for (let n = 0; n < 40; n++) { // an address that ignores its challenges until a rule blocks it
    const one = await token()
    for (let again = 0; again < 3; again++) await call(one, '192.0.2.66')
  }
  for (const path of ['/v1/items/plum-cake', '/v1/items/plum-cake/related', '/v1/collections']) await call(await token(), '192.0.2.7', path)
  await call('wrong', '192.0.2.8')
  await call(await token(), '192.0.2.9', undefined, 'globe')
  await call(await token(), '198.51.100.9')
  month = new Date().toISOString().slice(0, 7)
  await server.restart(() => run(join(files, 'sample'), ['close', join(server.dir, 'data'), month]))
  await visit(page, `${server.admin}/content/import`)
  writeFileSync(join(files, 'pies.jsonl'), '{"id":"apple-pie","collection":"recipes","title":"Apple pie"}\n{"id":"plum-cake","collection":"recipes","title":"Plum cake"}\n')
  await (await page.$('main [type=file]')).uploadFile(join(files, 'pies.jsonl'))
  await submit(page)
  preview = new URL(page.url()).pathname
  page.complaints.length = 0
})

const plain = attribute => attribute.replaceAll('&#43;', '+').replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&amp;', '&')

/** Requests all pages that links and forms lead to from some. Returns their paths with queries. */
async function crawl(origin, cookie, start, isIn = () => true) {
  // Each with the page that links to it.
  const found = new Map(start.map(path => [path, 'the test']))
  const add = (path, from) => !isIn(path) || found.has(path) || found.set(path, from)
  for (const [path, from] of found) { // which grows
    if (found.size > 600) throw new Error(`more pages than expected: ${[...found.keys()].slice(-5)}`)
    const response = await fetch(origin + path, {headers: {cookie}, redirect: 'manual'})
    assert.equal(response.status, 200, `${from} links to ${path}`)
    if (!response.headers.get('content-type').startsWith('text/html') || response.headers.has('content-disposition')) {
      found.delete(path)
      continue
    }
    const text = await response.text()
    for (const [tag, link] of text.matchAll(/<a [^>]*?href="([^"#]*)[^>]*>/g)) {
      const to = new URL(plain(link), origin + path)
      if (to.origin === origin && !/\sdownload[\s>]/.test(tag) && !/^\/debug\/pprof\/./.test(to.pathname)) add(to.pathname + to.search, path)
    }
    for (const [, action, form] of text.matchAll(/<form [^>]*?method="post" action="([^"]*)"[^>]*>(.*?)<\/form>/gs)) {
      const fields = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)]).filter(([name]) => name !== 'csrf' && name !== 'sent')
      if (routeOf(action) && !action.startsWith('/sign-')) add(plain(action) + (fields.length ? `?${new URLSearchParams(fields)}` : ''), path)
    }
  }
  return [...found.keys()]
}

const cookieOf = async page => (await page.cookies()).map(({name, value}) => `${name}=${value}`).join('; ')

/** Chooses a page for each route: the first of those that were found. */
function choose(found) {
  const chosen = new Map()
  for (const path of found) {
    const route = routeOf(path.split('?')[0]) ?? path.split('?')[0]
    if (!chosen.has(route)) chosen.set(route, path)
  }
  return chosen
}

/**
 * Visits pages in two windows, because there are two cores. The second gets the cookies of the
 * first. Chromium draws nothing in a tab that is behind another.
 */
async function visitAll(first, origin, chosen, each = async () => {}) {
  const waiting = [...chosen], cookies = await first.cookies()
  const work = async tab => {
    for (let one; (one = waiting.shift()); ) {
      const [route, path] = one
      assert.equal(await visit(tab, origin + path), 200, path)
      await check(tab, nameOf(route))
      await each(tab)
      seen.add(route)
    }
  }
  const context = await chromium.context(), second = await open(context)
  await second.setCookie(...cookies.map(({name, value, path}) => ({name, value, path, url: origin})))
  try {
    await Promise.all([work(first), work(second)])
  } finally {
    await context.close()
  }
}

const dialogs = new Set()

/** Opens the dialogs of a page that were not opened yet, and checks them. */
async function checkDialogs(tab) {
  for (const [i, href] of (await tab.$$eval('a[data-dialog]', links => links.map(link => link.pathname))).entries()) {
    const route = routeOf(href)
    if (dialogs.has(route)) continue
    dialogs.add(route)
    await tab.$$eval('a[data-dialog]', (links, i) => links[i].click(), i)
    await tab.waitForSelector('dialog[open]')
    for (const look of ['light', 'dark']) {
      await scheme(tab, look)
      assert.deepEqual(await problems(tab, look === 'dark' ? ['color-contrast'] : undefined, 'dialog'), [], `the dialog ${route}, ${look}`)
    }
    await tab.screenshot({path: join(shots, `dialog-${nameOf(route)}.dark.png`), optimizeForSpeed: true})
    await tab.keyboard.press('Escape')
    await tab.waitForSelector('dialog', {hidden: true})
  }
}

/** Fills in the form of a page with these fields, and sends it. Returns the status. */
async function send(page, url, fields) {
  assert.equal(await visit(page, url), 200, url)
  await fill(page, fields)
  return submit(page)
}

/** The forms that show something once, with what is filled in. {} in a path is a webhook. */
const shownOnce = {
  '/add/tenant': {client_id: 'museum'}, '/tenants/museum/secret': {}, '/tenants/acme/links/add': {name: 'agency'},
  '/add/admin': {name: 'bob'}, '/admins/bob/reset': {}, '/account/tokens/add': {name: 'ci'}, '/admins/bob/tokens/add': {name: 'ci'},
  '/webhooks/add': {url: 'https://ops.invalid/stile'}, '/webhooks/{}/rotate-secret': {},
}

test('pages: what forms of the console show once', async () => {
  const {id} = (await server.command('webhook', 'list'))[0], tested = []
  for (const [path, fields] of Object.entries(shownOnce)) {
    const at = path.replace('{}', id)
    tested.push(routeOf(at))
    assert.equal(await send(page, server.admin + at, fields), 200, path)
    await check(page, `once-${nameOf(routeOf(at))}`)
  }
  assert.deepEqual(tested.sort(), routes.filter(route => route.result && !route.path.startsWith('/developers')).map(route => route.path).sort())
})

test('pages: all of the console', async () => {
  await visit(page, `${server.admin}/policy/compare?name=policy.token.calls&value=50`)
  await submit(page)
  const comparison = new URL(page.url()).pathname, stop = `${comparison}/stop`
  await visitAll(page, server.admin, [comparison, stop].map(path => [routeOf(path), path]), checkDialogs)
  await send(page, server.admin + stop, {}) // it would take a core from the browser
  const chosen = choose(await crawl(server.admin, await cookieOf(page), ['/', '/tenants/acme', '/found?q=cake', preview, '/account/sessions/revoke?id=1', '/keys/refresh', '/debug/pprof/']))
  await visitAll(page, server.admin, [...chosen].filter(([route]) => !seen.has(route)), checkDialogs)
  assert.ok(dialogs.size >= 20, `only ${dialogs.size} dialogs`)
  assert.deepEqual(routes.map(route => route.path).filter(path => !path.startsWith('/developers') && !seen.has(path)), [])
})

/** Checks a page of an error, whose status is a complaint of the browser. */
async function checkError(page, name, status, want) {
  assert.equal(status, want, name)
  page.complaints = page.complaints.filter(line => !line.includes(`status of ${want}`))
  await check(page, `error-${want}-${name}`)
}

test('pages: errors of the console', async () => {
  const at = path => server.admin + path
  await checkError(page, 'page', await visit(page, at('/nothing')), 404)
  await checkError(page, 'tenant', await visit(page, at('/tenants/nobody')), 404)
  await checkError(page, 'filter', await visit(page, at('/refusals?from=soon')), 400)
  await checkError(page, 'form', await send(page, at('/addresses/block'), {range: 'everyone', reason: 'x'}), 400)
  await checkError(page, 'conflict', await send(page, at('/add/tenant'), {client_id: 'acme'}), 409)
  await checkError(page, 'csrf', await send(page, at('/addresses/block'), {range: '192.0.2.1', csrf: 'wrong'}), 403)
  await checkError(viewer, 'viewer', await visit(viewer, at('/admins')), 403)
  assert.equal(await visit(viewer, at('/tokens/find')), 200)
  await fill(viewer, {token: 'x'})
  await viewer.deleteCookie(...await viewer.cookies())
  await checkError(viewer, 'session', await submit(viewer), 401)
})

test('pages: a statement as a file', async () => {
  await visit(page, `${server.admin}/statements/acme/${month}`)
  const [url] = await page.$$eval('a[download]', links => links.map(link => link.href).filter(href => href.endsWith('html')))
  const text = await (await fetch(url, {headers: {cookie: await cookieOf(page)}})).text()
  const file = join(files, 'statement.html')
  writeFileSync(file, text)
  await page.goto(pathToFileURL(file))
  page.sent = text.length
  await check(page, 'statement-file')
})

test('pages: the tenant’s own view on the public listener', async () => {
  const own = await open(await chromium.context())
  await visit(own, `${api.origin}/developers/`)
  await check(own, 'developers-enter')
  await own.goto(link).catch(() => {}) // its script sends a form meanwhile
  await own.waitForSelector('#diagnosis, nav')
  const chosen = choose((await crawl(api.origin, await cookieOf(own), ['/developers/'], path => path.startsWith('/developers/'))))
  await visitAll(own, api.origin, chosen, checkDialogs)
  assert.deepEqual(routes.map(route => route.path).filter(path => path.startsWith('/developers') && !seen.has(path)), [])
  assert.equal(await send(own, `${api.origin}/developers/token`, {}), 200)
  await check(own, 'once-developers-token')
  await checkError(own, 'developers', await visit(own, `${api.origin}/developers/nothing`), 404)
})

/** The templates of pages that are not in the routes. A new one needs a test. */
test('pages: no template of the sign-in and of the own view is forgotten', () => {
  // signin/entered.html is shown after OpenID Connect, for an instant: the tests of signin have it.
  const all = ['signin', 'developers'].flatMap(name => readdirSync(join(root, 'console', name, 'templates')).filter(file => file.endsWith('.html')).map(file => `${name}/${file}`))
  assert.deepEqual(all.sort(), [
    'developers/diagnosis.html', 'developers/enter.html', 'developers/layout.html', 'developers/link.html', 'developers/overview.html', 'developers/part.html',
    'developers/refusals.html', 'developers/statements.html', 'developers/token.html', 'developers/try.html', 'developers/usage.html',
    'signin/change.html', 'signin/ended.html', 'signin/entered.html', 'signin/failed.html', 'signin/form.html', 'signin/second.html',
  ])
})
