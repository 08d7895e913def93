/**
 * Every code block of README.md, executed as it is printed. Only servers, secrets and tokens are
 * replaced. A block that no test takes fails the last test.
 */
import assert from 'node:assert/strict'
import {execFile} from 'node:child_process'
import {test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import express from 'express'
import * as client from 'openid-client'
import {startDemo} from './demo.mjs'
import {browsers, chromium, harness} from './harness.mjs'
import {Snippets, replaceAll} from './harness/snippets.mjs'

const snippets = new Snippets('README.md')
const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const publisher = 'https://api.example'

/** Runs shell code in a folder, with the program in PATH. Returns its output. */
async function shell(code, cwd = root) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STILE_')))
  const {stdout} = await run('bash', ['-euc', code], {cwd, env: {...env, PATH: `${root}bin:${process.env.PATH}`}})
  return stdout
}

test('make run builds the program and starts the demo', async () => {
  assert.match(snippets.take('sh', 'make run'), /^git clone … stile && cd stile\nmake run$/)
  assert.match(await shell('make -n run'), /serve --demo/)
})

test('a tenant is added, and its server gets tokens', async t => {
  const w = await harness(t, chromium)
  await shell(snippets.take('sh', 'stile tenant add').replace('acme', 'acme2'), w.server.dir)
  const {client_secret: secret} = await w.server.command('tenant', 'rotate-secret', 'acme2')
  const stile = await client.discovery(new URL(w.api.origin), 'acme2', secret, undefined, {algorithm: 'oauth2', execute: [client.allowInsecureRequests]})
  const app = express()
  new Function('app', 'client', 'stile', snippets.take('js', "app.post('/stile/token'"))(app, client, stile)
  const server = app.listen(0, 'localhost')
  t.after(() => server.close())
  await new Promise(resolve => server.once('listening', resolve))
  const answers = await Promise.all([1, 2].map(async () => (await fetch(`http://localhost:${server.address().port}/stile/token`, {method: 'POST'})).json()))
  assert.match(answers[0].access_token, /^ey/)
  assert.notEqual(answers[0].access_token, answers[1].access_token)
})

test('the calls with curl', async t => {
  const server = await startDemo()
  t.after(() => server.stop())
  const {client_secret: secret} = await server.command('tenant', 'rotate-secret', 'demo')
  const code = replaceAll(snippets.take('sh', 'TOKEN=$(curl'), {SECRET: secret, 'http://localhost:8080': server.url})
  const output = await shell(code)
  assert.match(output, /^{"data":\[{"id":/)
  assert.match(output, /"id":"japan"/)
  assert.match(output, /\/\*\*\/ typeof show === 'function' && show\({"data":{"id":"iceland"/)
  assert.doesNotMatch(output, /"error"/)
})

test('each of the commands has help', async () => {
  const lines = snippets.take('', 'stile serve [--demo]').split('\n')
  for (const line of lines) {
    const [, command] = /^stile (\w+)/.exec(line)
    const help = await shell(`stile ${command} --help`)
    for (const sub of /…\s+(.*)$/.exec(line)?.[1].split(', ') ?? []) if (/^[a-z-]+$/.test(sub)) assert.match(help, new RegExp(`^  ${sub}\\b`, 'm'), `${command} ${sub}`)
  }
})

for (const browser of browsers) {
  test(`${browser.name}: the elements, and calls without the layer`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(replaceAll(snippets.take('html', '<stile-search'), {[publisher]: w.api.origin}))
    await w.until(page, () => document.querySelector('stile-results')?.shadowRoot?.textContent.includes('Plum cake'))
    const body = replaceAll(snippets.take('js', 'new URLSearchParams'), {[publisher]: w.api.origin})
    const byFetch = await page.evaluate((code, token) => new Function('token', `return (async () => {${code}; return {data, error}})()`)(token), body, await w.issue())
    assert.equal(byFetch.error, undefined)
    assert.equal(byFetch.data[0].id, 'plum-cake')
    const tag = replaceAll(snippets.take('html', 'callback=show'), {[publisher]: w.api.origin, '…': await w.issue()})
    const jsonp = await w.open(`<script>function show(body) { globalThis.body = body }</script>${tag}`)
    assert.equal((await w.until(jsonp, () => globalThis.body)).data[0].id, 'plum-cake')
    assert.deepEqual(w.watch.complaints, [])
  })
}

test('no code block of README is left', () => assert.deepEqual(snippets.left, []))
