/**
 * The pictures of the console in docs/: `make pictures` writes them again, into the directory that
 * STILE_PICTURES names. Without it, nothing is done. The overview has the sample data of
 * console/sample, because a new server has no yesterday. The others are of a real server, which
 * refuses a token that calls too fast, and finds a tenant's back-end that caches tokens.
 */
import assert from 'node:assert/strict'
import {execFile, spawn} from 'node:child_process'
import {mkdtempSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {after, test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {chromium} from './harness.mjs'
import {Server} from './harness/server.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = process.env.STILE_PICTURES && resolve(root, process.env.STILE_PICTURES)
const options = {skip: !folder && 'STILE_PICTURES is not set'}
const dir = mkdtempSync(join(tmpdir(), 'stile-pictures-'))
after(() => rmSync(dir, {recursive: true, force: true}))

async function open(t, url) {
  const context = await chromium.context(), page = await context.newPage()
  t.after(() => context.close())
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: 'light'}])
  await page.setViewport({width: 1280, height: 800})
  await page.goto(url)
  return page
}

/** Writes a picture of a window of that height, and checks its size. */
async function picture(page, name, height = 800) {
  const path = join(folder, `console-${name}.png`)
  await page.setViewport({width: 1280, height})
  await page.screenshot({path})
  const {size} = statSync(path)
  assert.ok(size > 10_000 && size <= 120_000, `${path} has ${size} bytes, want at most 120,000`)
}

/** Calls faster than a person, until a challenge is issued. */
async function hurry(token, call) {
  for (let n = 0; n < 200; n++) if ((await call(token, '198.51.100.7')).error) return
}

/** Uses one token in five browsers, six times, as a back-end does that caches tokens. */
async function cache(token, call) {
  for (let n = 0; n < 6; n++) {
    const cached = await token()
    for (let browser = 1; browser <= 5; browser++) await call(cached, `198.51.100.${20 + browser}`)
  }
}

/** Signs in at the console as the owner ada, whose page it returns. */
async function signIn(t, server) {
  const made = await server.command('admin', 'add', 'ada', '--role', 'owner'), page = await open(t, server.admin)
  const send = async fields => {
    for (const [name, text] of Object.entries(fields)) await page.type(`main [name=${name}]`, text)
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
  }
  await send({name: 'ada', password: made.password})
  await send({password: 'a long way round', repeated: 'a long way round'})
  return page
}

test('picture of the overview', options, async t => {
  await promisify(execFile)('go', ['build', '-tags=sqlite_fts5', '-o', join(dir, 'sample'), './console/sample'], {cwd: root})
  const child = spawn(join(dir, 'sample'), ['sample'], {stdio: ['ignore', 'pipe', 'inherit']})
  t.after(() => child.kill())
  const url = await new Promise(done => child.stdout.once('data', text => done(String(text).trim())))
  await picture(await open(t, `${url}/?period=day`), 'overview')
})

test('pictures of a refusal and of a tenant', options, async t => {
  const server = await Server.start({STILE_PUBLIC_URL: 'https://api.example', STILE_TRUSTED_PROXIES: '127.0.0.1', STILE_LOG_ADDRESSES: 'full'})
  t.after(() => server.stop())
  await server.import([{id: 'plum-cake', title: 'Plum cake', tags: ['cake']}, {id: 'bread', title: 'Sourdough bread', tags: ['bread']}])
  for (const [id, name] of [['acme', 'Acme Ltd'], ['kitchen-weekly', 'Kitchen Weekly']]) {
    const {client_secret: secret} = await server.command('tenant', 'add', id, '--name', name, '--site', `https://www.${id}.example`, '--calls-per-month', '100000')
    const token = async () => (await (await server.oauth('token', {id, secret}, {grant_type: 'client_credentials'})).json()).access_token
    const call = async (token, from) => (await fetch(`${server.url}/v1/items?client_id=${id}`, {headers: {authorization: `Bearer ${token}`, origin: `https://www.${id}.example`, 'x-forwarded-for': from}})).json()
    for (let visitor = 1; visitor <= 40; visitor++) await call(await token(), `203.0.113.${visitor}`)
    if (id !== 'acme') await hurry(await token(), call)
    else await cache(token, call)
  }
  const page = await signIn(t, server)
  const [refusal] = await server.command('refusal', 'list', '--code', 'challenge_required')
  await page.goto(`${server.admin}/refusals/${refusal.ref}`)
  await picture(page, 'refusal', 640)
  await page.goto(`${server.admin}/tenants/acme`)
  await page.$eval('#diagnosis', node => {
    node.querySelector('details').open = true
    scrollTo(0, node.getBoundingClientRect().top - 72) // below the bar at the top
  })
  await picture(page, 'doctor')
})
