/** Key-bound tokens work at any address of their visitor, and for no other caller. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, events, get, insecureHost, harness} from './harness.mjs'
import {noteEvents} from './harness/events.mjs'
import {post, stranger} from './harness/proofs.mjs'
import {shownText} from './harness/widgets.mjs'

const loaded = () => !!globalThis.Stile

/**
 * Runs in each page first: a tab waits for the token of another for longer than 60 ms, which a slow
 * machine may need.
 */
function patiently() {
  const {setTimeout} = globalThis
  globalThis.setTimeout = (run, ms, ...given) => setTimeout(run, ms === 60 ? 1_000 : ms, ...given)
}

const patient = {prepare: page => page.evaluateOnNewDocument(patiently)}

async function began(t, browser, {settings, listed, ...page} = {}, attributes = {}) {
  const w = await harness(t, browser, {settings, listed})
  const opened = await w.open(w.script(attributes), page)
  await w.until(opened, loaded)
  return {w, page: opened}
}

/** Opens the same page in another tab. */
async function anotherTab(w, page) {
  const tab = await page.browserContext().newPage()
  await tab.evaluateOnNewDocument(patiently)
  await noteEvents(tab)
  await tab.goto(page.url())
  await w.until(tab, loaded)
  return tab
}

const items = page => get(page, '/v1/items')
const codes = async page => (await events(page, 'stile:token-invalid')).map(e => e.detail.code)

const parse = part => JSON.parse(Buffer.from(part, 'base64url').toString())

const isSession = proof => proof.startsWith('s1.')

/** Returns the session proofs of all requests. */
const sessionProofs = w => w.api.calls('/v1/').map(call => call.form.get('proof')).filter(isSession)

/** Returns the DPoP proofs of all requests: [{jwk, htm, htu, jti…}]. Each request has a proof. */
function proofs(w) {
  const calls = w.api.calls('/v1/'), texts = calls.map(call => call.form.get('proof'))
  assert.equal(new Set(texts).size, texts.length, 'a proof is sent once')
  const all = calls.filter(call => !isSession(call.form.get('proof'))).map(call => {
    const [header, claims] = call.form.get('proof').split('.')
    return {...parse(claims), key: parse(header).jwk.x, path: call.path}
  })
  assert.equal(new Set(all.map(proof => proof.jti)).size, all.length, 'a proof is made once')
  for (const {htu, path} of all) assert.equal(htu, w.api.origin + path)
  return all
}

/** Makes calls until one has a session proof, and returns the proof. */
async function joined(w, page) {
  await w.untilTrue(async () => {
    assert.ok((await items(page)).data)
    return sessionProofs(w).length > 0
  }, 'a session')
  return sessionProofs(w).at(-1)
}

const keys = w => [...new Set(proofs(w).map(proof => proof.key))]

/** Returns the token in the tab's storage, which any script of the page can read. */
const tokenOf = page => page.evaluate(() => Object.entries(sessionStorage).find(([name]) => name.startsWith('stile:token:'))[1].split('\n')[1])

/** Repeats a request without changes. */
async function replay(w, {method, path, form}) {
  if (method === 'POST') return post(w.api.origin + path, form)
  const script = await (await fetch(`${w.api.origin}${path}?${form}`)).text()
  return JSON.parse(/&& \w+\((.*)\);$/s.exec(script)[1])
}

for (const browser of browsers) {
  test(`${browser.name}: a visitor's address changes, without a message or renewal`, async t => {
    const {w, page} = await began(t, browser)
    w.api.from = '192.0.2.1'
    assert.equal((await items(page)).meta.total, 4)
    w.api.from = '198.51.100.7'
    assert.equal((await items(page)).meta.total, 4)
    assert.equal((await get(page, '/v1/token')).data.binding, 'key')
    assert.deepEqual(await codes(page), ['token_missing'])
    assert.equal(w.site.tokenRequests, 1)
    assert.equal(w.api.calls('/v1/').length, 3)
    assert.ok(proofs(w).length > 0)
    assert.equal(keys(w).length, 1)
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a copied token is refused to another browser and to a program, and the visitor continues`, async t => {
    const {w, page} = await began(t, browser)
    assert.ok((await items(page)).data)
    const token = await tokenOf(page)
    const thief = await w.open(w.script({'data-token': token, 'data-token-url': null}))
    await w.until(thief, loaded)
    assert.equal((await items(thief)).error.code, 'token_hijacked')
    const url = `${w.api.origin}/v1/items`, form = {client_id: w.client.id, access_token: token}
    assert.equal((await post(url, form)).error.code, 'proof_invalid')
    assert.equal((await post(url, {...form, proof: stranger()('POST', url, token)})).error.code, 'token_hijacked')
    assert.ok((await items(page)).data)
    assert.equal(w.site.tokenRequests, 1)
    assert.deepEqual(await codes(page), ['token_missing'])
  })

  for (const transport of ['form', 'jsonp'])
    test(`${browser.name}: a repeated request by ${transport} is refused, and the visitor continues`, async t => {
      const {w, page} = await began(t, browser, {}, {'data-transport': transport})
      assert.ok((await items(page)).data)
      const [made] = w.api.calls('/v1/items')
      for (const from of ['', '192.0.2.1']) {
        w.api.from = from
        const {error} = await replay(w, made)
        assert.equal(error.code, 'proof_invalid')
        assert.match(error.detail, /used before/)
      }
      assert.ok((await items(page)).data)
      assert.deepEqual(await codes(page), ['token_missing'])
      assert.equal(w.site.tokenRequests, 1)
    })

  test(`${browser.name}: page views and tabs have one key and one token, and one of them renews it`, async t => {
    const {w, page} = await began(t, browser, patient)
    assert.ok((await items(page)).data)
    await page.reload()
    await w.until(page, loaded)
    assert.ok((await items(page)).data)
    assert.equal(w.site.tokenRequests, 1)
    const tab = await anotherTab(w, page)
    assert.ok((await items(tab)).data)
    assert.equal(w.site.tokenRequests, 1, 'the first tab requested one')
    await w.revoke(w.tokens[0])
    const both = await Promise.all([items(page), items(tab)])
    for (const {data, error} of both) assert.ok(data, JSON.stringify(error))
    assert.equal(w.site.tokenRequests, 2)
    assert.equal(await tokenOf(page), await tokenOf(tab))
    assert.equal(keys(w).length, 1)
  })

  test(`${browser.name}: two tabs that start simultaneously make one key, and get one token`, async t => {
    const {w, page} = await began(t, browser, patient)
    const tab = await anotherTab(w, page)
    const both = await Promise.all([items(page), items(tab)])
    for (const {data, error} of both) assert.ok(data, JSON.stringify(error))
    assert.equal(keys(w).length, 1)
    assert.equal(w.site.tokenRequests, 1)
  })

  test(`${browser.name}: with token-store memory, tabs share the key but no token`, async t => {
    const {w, page} = await began(t, browser, {}, {'data-token-store': 'memory'})
    assert.ok((await items(page)).data)
    const tab = await anotherTab(w, page)
    assert.ok((await items(tab)).data)
    assert.equal(w.site.tokenRequests, 2)
    assert.equal(keys(w).length, 1)
    assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage).filter(name => name.includes('token'))), [])
  })

  test(`${browser.name}: no script can read the key`, async t => {
    const {w, page} = await began(t, browser)
    await joined(w, page)
    const name = `${w.api.origin}:${w.client.id}`, hidden = {extractable: false, usages: ['sign'], exported: []}
    assert.deepEqual(await page.evaluate(readKeys), [{name: `stile:${name}`, ...hidden}, {name: `stile:session:${name}`, ...hidden}])
  })

  const illnesses = {
    'throws': () => { IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError') } },
    'never answers': () => { IDBFactory.prototype.open = () => new EventTarget() },
    'takes no key': () => { IDBObjectStore.prototype.put = () => { throw new DOMException('no', 'DataCloneError') } },
  }
  for (const [what, sicken] of Object.entries(illnesses))
    test(`${browser.name}: if storage ${what}, each page view has its own key and token`, async t => {
      const {w, page} = await began(t, browser, {prepare: page => page.evaluateOnNewDocument(sicken)})
      assert.ok((await items(page)).data)
      assert.equal((await get(page, '/v1/token')).data.binding, 'key')
      await page.reload()
      await w.until(page, loaded)
      assert.ok((await items(page)).data)
      assert.equal(keys(w).length, 2)
      assert.equal(w.site.tokenRequests, 2)
      assert.deepEqual(await codes(page), ['token_missing'], 'the token of the previous page is not used')
      assert.deepEqual(w.watch.complaints, [])
    })

  test(`${browser.name}: a page in a sandbox, which can't store anything, has its own key and token`, async t => {
    const w = await harness(t, browser, {listed: false})
    const page = await w.open(w.script({'data-token': await w.issue()}), {csp: 'sandbox allow-scripts'})
    await w.until(page, loaded)
    assert.equal(await page.evaluate(() => origin), 'null')
    for (const from of ['192.0.2.1', '192.0.2.2']) {
      w.api.from = from
      assert.ok((await items(page)).data)
    }
    assert.equal(keys(w).length, 1)
    assert.deepEqual(w.watch.complaints, [])
  })

  for (const transport of ['form', 'jsonp'])
    test(`${browser.name}: session proofs by ${transport} replace the key's, also in the next page view, and are valid once`, async t => {
      const {w, page} = await began(t, browser, {}, {'data-transport': transport})
      await joined(w, page)
      const before = proofs(w).length
      assert.ok((await get(page, '/v1/items', {q: 'grüner Käse & more', tag: ['cake', 'soup'], limit: 5})).data)
      assert.ok((await get(page, '/v1/items/plum-cake')).data)
      assert.ok((await get(page, '/v1/suggest', {q: 'plu'})).data)
      assert.equal((await get(page, '/v1/token')).meta.session, undefined)
      assert.equal(proofs(w).length, before, 'no more proofs by the key')
      await page.reload()
      await w.until(page, loaded)
      const seen = sessionProofs(w).length
      await w.untilTrue(async () => !!(await items(page)).data && sessionProofs(w).length > seen, 'the session in the next page view')
      assert.equal(new Set(sessionProofs(w).map(proof => proof.split('.')[1])).size, 1, 'one session')
      const made = w.api.calls('/v1/items').at(-1)
      assert.match((await replay(w, made)).error.detail, /used before/)
      made.form.set('q', 'more')
      assert.match((await replay(w, made)).error.detail, /MAC/)
      assert.equal(w.site.tokenRequests, 1)
      assert.deepEqual(w.watch.complaints, [])
    })

  test(`${browser.name}: tabs share a session, and use no counter twice`, async t => {
    const {w, page} = await began(t, browser, patient)
    await joined(w, page)
    const tab = await anotherTab(w, page)
    await w.untilTrue(async () => {
      const both = await Promise.all([items(page), items(tab), items(tab)])
      for (const {data, error} of both) assert.ok(data, JSON.stringify(error))
      return sessionProofs(w).length > 24
    }, 'session proofs')
    proofs(w) // each is sent once
    const counters = sessionProofs(w).map(proof => proof.split('.')[2])
    assert.equal(new Set(counters).size, counters.length)
    assert.equal(w.api.calls('/v1/items').filter(call => call.status === 401).length, 0)
  })

  test(`${browser.name}: a session that the server refuses costs one request, and is replaced`, async t => {
    const {w, page} = await began(t, browser)
    const first = (await joined(w, page)).split('.')[1]
    await page.evaluate(spoilSession)
    await page.reload()
    await w.until(page, loaded)
    await w.untilTrue(async () => !!(await items(page)).data && new Set(sessionProofs(w).map(proof => proof.split('.')[1])).size === 3, 'another session')
    assert.notEqual(sessionProofs(w).at(-1).split('.')[1], first)
    assert.equal(w.site.tokenRequests, 1)
  })

  test(`${browser.name}: without HKDF, each request has a proof by the key`, async t => {
    const {w, page} = await began(t, browser, {prepare: page => page.evaluateOnNewDocument(() => { SubtleCrypto.prototype.deriveKey = () => Promise.reject(new DOMException('no', 'NotSupportedError')) })})
    for (let n = 0; n < 6; n++) assert.ok((await items(page)).data)
    assert.equal(sessionProofs(w).length, 0)
    assert.equal(proofs(w).length, 6)
    assert.deepEqual(w.watch.complaints, [])
  })

  for (const hours of [1, -1])
    test(`${browser.name}: a clock that is wrong by ${hours} h costs one request per tab`, async t => {
      const {w, page} = await began(t, browser, {prepare: page => page.evaluateOnNewDocument(setClock, hours)})
      assert.ok((await items(page)).data)
      assert.equal(w.api.calls('/v1/items').length, 2)
      assert.ok((await items(page)).data)
      await page.reload()
      await w.until(page, loaded)
      assert.ok((await items(page)).data)
      assert.equal(w.api.calls('/v1/items').length, 4)
      assert.equal(w.site.tokenRequests, 1)
      const [first, second] = proofs(w)
      assert.equal(Math.round((first.iat - second.iat) / 3600), hours)
    })

  for (const transport of ['form', 'jsonp'])
    test(`${browser.name}: if a key is required, all requests by ${transport} have a proof, including answers to challenges`, async t => {
      const settings = {STILE_BINDING: 'key', STILE_POLICY_SPIKE_CALLS: 3, STILE_POLICY_CHALLENGE_LADDER: 'work'}
      const {w, page} = await began(t, browser, {settings}, {'data-transport': transport})
      for (let n = 0; n < 5; n++) assert.ok((await items(page)).data)
      assert.ok((await get(page, '/v1/suggest', {q: 'plu'})).data)
      assert.ok(w.api.calls('/v1/').some(call => call.path.endsWith('/answer')))
      assert.deepEqual([...new Set(proofs(w).map(proof => proof.htm))], [transport === 'form' ? 'POST' : 'GET'])
      assert.equal(keys(w).length, 1)
    })

  test(`${browser.name}: a page by plain HTTP has no key, and its token is address-bound`, async t => {
    const w = await harness(t, browser, {listed: false})
    const page = await insecure(w, w.script())
    await w.until(page, loaded)
    assert.equal(await page.evaluate(() => isSecureContext), false)
    assert.ok((await items(page)).data)
    assert.equal((await get(page, '/v1/token')).data.binding, 'address')
    assert.ok(w.api.calls('/v1/').every(call => !call.form.has('proof')))
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: if the tenant requires a key, such a page shows a message`, async t => {
    const w = await harness(t, browser, {listed: false, settings: {STILE_BINDING: 'key'}})
    const page = await insecure(w, `${w.script()}<stile-list></stile-list>`)
    const [{detail}] = await w.untilEvents(page, 'stile:error')
    assert.equal(detail.code, 'proof_invalid')
    assert.match(detail.detail, /key/)
    await w.untilTrue(async () => /wrong.*contact the site’s owner/s.test(await shownText(page, 'stile-list')), 'the advice')
    assert.ok(w.site.tokenRequests <= 1)
  })
}

/** Returns the page's URL with a host that is not secure. */
async function insecure(w, html) {
  const page = await w.blank()
  const {pathname, port} = new URL(w.site.add('/page.html', `<!doctype html><title>Plain</title><body>${html}`))
  await page.goto(`http://${insecureHost}:${port}${pathname}`)
  return page
}

/** Runs in the page: returns what a script can read of the stored keys. */
async function readKeys() {
  const asked = request => new Promise((resolve, reject) => Object.assign(request, {onsuccess: () => resolve(request.result), onerror: reject}))
  const keys = (await asked(indexedDB.open('stile'))).transaction('keys').objectStore('keys')
  const [names, pairs] = await Promise.all([asked(keys.getAllKeys()), asked(keys.getAll())])
  return Promise.all(pairs.map(async ({key, privateKey = key}, n) => {
    const tries = await Promise.allSettled(['jwk', 'pkcs8', 'raw', 'spki'].map(format => crypto.subtle.exportKey(format, privateKey)))
    return {name: names[n], extractable: privateKey.extractable, usages: privateKey.usages, exported: tries.filter(one => one.value)}
  }))
}

/** Runs in the page: sets the device's clock forward by some hours. */
function setClock(hours) {
  const {now} = Date
  Date.now = () => now() + hours * 3_600_000
}

/** Runs in the page: changes the ticket of the stored session. */
async function spoilSession() {
  const asked = request => new Promise((resolve, reject) => Object.assign(request, {onsuccess: () => resolve(request.result), onerror: reject}))
  const keys = (await asked(indexedDB.open('stile'))).transaction('keys', 'readwrite').objectStore('keys')
  const name = (await asked(keys.getAllKeys())).find(name => name.startsWith('stile:session:'))
  const session = await asked(keys.get(name))
  await asked(keys.put({...session, ticket: session.ticket.replace(/^.{4}/, 'AAAA')}, name))
}
