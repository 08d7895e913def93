/** Which transport a call uses, and when the other one is tried. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {TransportError, type TransportCode} from '../src/errors'
import type {Field} from '../src/ports'
import {transport, type Transport} from '../src/transport'
import {problem, FakePorts} from './fake-ports'

const body = {data: 1, meta: {}}
const fails = (code: TransportCode) => async () => { throw new TransportError(code) }

/** A page with both transports, which records each call. */
function page(form: () => Promise<unknown>, jsonp: () => Promise<unknown> = async () => body, w = new FakePorts(), path = '/page') {
  const ways: string[] = []
  const way = (name: string, run: () => Promise<unknown>): Transport => async (url, fields) => {
    ways.push([name, url, ...fields.map((field: Field) => field.join('='))].join(' '))
    return run()
  }
  const send = transport(w.config, w.store, path, way('form', form), way('jsonp', jsonp))
  const call = (prove = async (): Promise<string | undefined> => undefined, signal?: AbortSignal, path = '/v1/items') =>
    send({path, fields: [['q', 'a']], prove}, signal).catch(error => error.code ?? error)
  return {ways, call, w, names: () => ways.map(way => way.split(' ')[0])}
}

test('a form is posted', async () => {
  const p = page(async () => body)
  assert.deepEqual({...await p.call()}, body)
  assert.deepEqual(p.ways, ['form https://api.example/v1/items q=a'])
})

for (const [path, url] of Object.entries({'v1/items': '/v1/items', '@evil.example/': '/@evil.example/', '.evil.example/': '/.evil.example/', '//evil.example/': '//evil.example/', ':81/': '/:81/'}))
  test(`"${path}" is a path of the API`, async () => {
    const p = page(async () => body)
    await p.call(undefined, undefined, path)
    assert.deepEqual(p.ways, [`form https://api.example${url} q=a`])
    assert.equal(new URL(p.ways[0]!.split(' ')[1]!).host, 'api.example')
  })

test('a proof is made for the method and the URL, and sent', async () => {
  const p = page(fails('csp'))
  await p.call((async (method: string, url: string) => `${method}:${url}`) as never)
  assert.deepEqual(p.ways, ['form https://api.example/v1/items q=a proof=POST:https://api.example/v1/items', 'jsonp https://api.example/v1/items q=a proof=GET:https://api.example/v1/items'])
})

for (const code of ['csp', 'unreachable'] as const)
  test(`after ${code} for a form, this page uses scripts`, async () => {
    const p = page(fails(code))
    for (let n = 0; n < 3; n++) assert.deepEqual({...await p.call()}, body)
    assert.deepEqual(p.names(), ['form', 'jsonp', 'jsonp', 'jsonp'])
    const again = page(fails(code), undefined, p.w)
    await again.call()
    assert.deepEqual(again.names(), ['jsonp'], 'its next view knows')
    const other = page(async () => body, undefined, p.w, '/other')
    await other.call()
    assert.deepEqual(other.names(), ['form'], 'another page has a policy of its own')
  })

test('a network error after a successful form does not lead to scripts', async () => {
  let up = true
  const p = page(async () => up ? body : fails('unreachable')())
  await p.call()
  up = false
  assert.equal(await p.call(), 'unreachable')
  assert.deepEqual(p.names(), ['form', 'form'])
})

test('if both fail, the form\'s error is reported, or the script\'s if the policy forbids forms', async () => {
  assert.equal(await page(fails('unreachable'), fails('no_callback')).call(), 'unreachable')
  assert.equal(await page(fails('csp'), fails('unreachable')).call(), 'unreachable')
  assert.equal(await page(fails('csp'), fails('csp')).call(), 'csp')
})

test('if scripts do not work either, the form is retried', async () => {
  const p = page(fails('unreachable'), fails('unreachable'))
  await p.call()
  await p.call()
  assert.deepEqual(p.names(), ['form', 'jsonp', 'form', 'jsonp'])
})

test('scripts are not used again if the server does not accept tokens from them', async () => {
  const p = page(fails('unreachable'), async () => ({error: problem('bad_request')}))
  await p.call()
  await p.call()
  assert.deepEqual(p.names(), ['form', 'jsonp', 'form', 'jsonp'])
})

test('a timeout does not lead to scripts', async () => {
  const p = page(fails('timeout'))
  assert.equal(await p.call(), 'timeout')
  assert.deepEqual(p.names(), ['form'])
})

for (const way of ['form', 'jsonp'] as const)
  test(`a page with the transport ${way} uses nothing else`, async () => {
    const p = page(fails('csp'), fails('csp'))
    p.w.config.transport = way
    assert.equal(await p.call(), 'csp')
    assert.deepEqual(p.names(), [way])
  })

for (const [what, answer] of Object.entries({null: null, 'a text': 'hello', 'an empty object': {}, 'an error without a code': {error: {}}}))
  test(`${what} is not a response of stile`, async () => {
    const p = page(async () => answer)
    p.w.config.transport = 'form'
    assert.equal(await p.call(), 'unreachable')
  })

test('null is valid data', async () => assert.deepEqual({...await page(async () => ({data: null})).call()}, {data: null, meta: {}}))

test('S52: a response has no members of Object.prototype', async () => {
  Object.assign(Object.prototype, {error: {code: 'evil'}})
  try {
    const reply = await page(async () => body).call()
    assert.equal('error' in reply, false)
  } finally {
    delete (Object.prototype as {error?: unknown}).error
  }
})
