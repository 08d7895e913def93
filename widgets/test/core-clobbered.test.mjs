/** S52: pages whose markup or prototypes replace what the layer reads. */
import assert from 'node:assert/strict'
import {createServer} from 'node:http'
import {test} from 'node:test'
import {browsers, harness} from './harness.mjs'

/** The content of every page. The results have an id, by which a search box finds them. */
const widgets = `<stile-search for="r" label="Find"></stile-search><stile-results id="r" query="cake"></stile-results>
  <stile-list collection="recipes"></stile-list><stile-item item="plum-cake"></stile-item>`

/** Settings that an attacker writes into markup, to send calls to another server. */
const theirs = ({evil, client}) => `data-api="${evil}" data-client-id="${client}" data-token-url="/stile/token"`

/** Returns the text of an attribute. */
const quoted = text => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

/**
 * The pages. html precedes the layer, which a script adds when the page has loaded. file is the
 * layer's file. configured contains the settings by the page's own script. pollute runs first.
 */
const pages = {
  'img name=currentScript': {html: o => `<img name="currentScript" src="${o.evil}/widgets/v1/stile.js" ${theirs(o)}>`},
  'img name=currentScript, async tag': {html: o => `<img name="currentScript" src="${o.evil}/widgets/v1/stile.js" ${theirs(o)}>`, tag: true},
  'embed name=currentScript': {html: o => `<embed name="currentScript" src="${o.evil}/widgets/v1/stile.js" ${theirs(o)}>`},
  'object id=currentScript': {html: o => `<object id="currentScript" ${theirs(o)}></object>`},
  'form name=currentScript': {html: o => `<form name="currentScript" ${theirs(o)}></form>`},
  'iframe name=currentScript with a[id=src]': {html: o => `<iframe name="currentScript" srcdoc="${quoted(`<a id="src" href="${o.evil}/widgets/v1/stile.js"></a>`)}"></iframe>`, configured: true},
  'two imgs name=scripts, module': {html: o => `<img name="scripts" src="${o.api}/widgets/v1/stile.mjs" ${theirs(o)}><img name="scripts">`, file: 'stile.mjs'},
  'form name=scripts with input type=image, module': {html: o => `<form name="scripts"><input type="image" src="${o.api}/widgets/v1/stile.mjs" ${theirs(o)}></form>`, file: 'stile.mjs'},
  'a id=Stile': {html: o => `<a id="Stile" href="${o.evil}/">x</a>`, configured: true},
  'form id=Stile with inputs get, setToken, configure': {html: () => '<form id="Stile"><input name="get"><input name="setToken"><input name="configure"></form>', configured: true},
  'iframe name=Stile': {html: o => `<iframe name="Stile" src="${o.evil}/"></iframe>`, configured: true},
  'iframe name=Stile with a[id=configure]': {html: () => '<iframe name="Stile" srcdoc="<a id=configure></a><a id=get></a>"></iframe>', configured: true},
  'form id=trustedTypes': {html: () => '<form id="trustedTypes"><input name="createPolicy"></form>'},
  'img name=createElement, createElementNS': {html: () => '<img name="createElement"><img name="createElementNS">'},
  'form name=head, by JSONP': {html: () => '<form name="head"><input name="append"></form>', transport: 'jsonp'},
  'iframe name=head, by JSONP': {html: o => `<iframe name="head" src="${o.evil}/"></iframe>`, transport: 'jsonp'},
  'form name=body, documentElement': {html: () => '<form name="body"><input name="append"></form><form name="documentElement"><input name="lang"></form>'},
  'img name=addEventListener, removeEventListener, dispatchEvent': {html: () => '<img name="addEventListener"><img name="removeEventListener"><img name="dispatchEvent">'},
  'img name=querySelector, querySelectorAll, getElementById': {html: () => '<img name="querySelector"><img name="querySelectorAll"><img name="getElementById">'},
  'img name=baseURI, forms, all, defaultView': {html: () => '<img name="baseURI"><img name="forms"><img name="all"><img name="defaultView">'},
  'form id=r with inputs getAttribute, setAttribute': {html: () => '<form id="r"><input name="getAttribute"><input name="setAttribute"></form>'},
  'Object.prototype.api': {pollute: o => ({api: o.evil})},
  'Object.prototype.api, clientId, token, tokenUrl': {pollute: o => ({api: o.evil, clientId: 'evil', token: 'evil', tokenUrl: o.evil + '/stile/token'})},
  'Object.prototype.api, token, before configure()': {pollute: o => ({api: o.evil, token: 'evil', tokenUrl: o.evil + '/stile/token'}), configured: true},
  'Object.prototype.transport, tokenStore, theme': {pollute: () => ({transport: 'jsonp', tokenStore: 'memory', theme: 'dark'})},
  'Object.prototype.access_token': {pollute: () => ({access_token: 'evil', expires_in: 'evil'}), emptyToken: true},
  'Object.prototype.headers, mode, credentials, referrer, body': {pollute: () => ({headers: {'x-evil': 'evil'}, mode: 'no-cors', credentials: 'include', body: 'evil', cache: 'evil'})},
  'Object.prototype.error, data, meta': {pollute: () => ({error: {code: 'evil'}, data: 'evil', meta: 'evil'})},
  'Object.prototype.Stile': {pollute: () => ({Stile: {get: 'evil'}}), configured: true},
  'Object.prototype.trustedTypes': {pollute: () => ({trustedTypes: {createPolicy: 'evil'}})},
  'Object.prototype.tag, sort, collection': {pollute: () => ({tag: 'evil', sort: 'evil', collection: 'evil'})},
}

/**
 * Another server. It records its requests, and responds like a hostile API. Its script sets a flag.
 */
async function hostile(t) {
  const got = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    got.push(request.url + ' ' + (request.headers.authorization ?? '') + body)
    response.writeHead(200, {'access-control-allow-origin': '*', 'content-type': 'text/javascript'}).end('globalThis.ran = true; export const work = 0')
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return {origin: `http://127.0.0.1:${server.address().port}`, got}
}

/** Runs in the page first. */
function given(members) {
  for (const [name, value] of Object.entries(members)) Object.prototype[name] = value
}

/** Runs in the page: adds the layer when the page has loaded, like a script of the page. */
const added = ({src, data, configured}) => `<script>{
  const own = (o, f, ...a) => Document.prototype[f].call(o, ...a)
  addEventListener('load', () => {
    const tag = own(document, 'createElement', 'script')
    for (const [name, value] of ${JSON.stringify(Object.entries(data))}) tag.setAttribute(name, value)
    tag.onload = () => { ${configured ? `Stile.configure(${JSON.stringify(configured)})` : ''} }
    tag.onerror = () => {}
    tag.src = ${JSON.stringify(src)}
    own(document, 'querySelector', 'html').append(tag)
  })
}</script>`

/** Runs in the page: returns what the widgets show, even if the document is clobbered. */
function texts() {
  const all = selector => [...Document.prototype.querySelectorAll.call(document, selector)]
  const shown = all('stile-results, stile-list, stile-item').map(e => e.shadowRoot?.textContent ?? '').join('\n')
  return {done: ['Apple cake', 'Onion soup', 'Take plums'].every(text => shown.includes(text)), ran: Boolean(globalThis.ran), get: Object.hasOwn(globalThis, 'Stile') ? typeof Stile.get : ''}
}

for (const browser of browsers)
  test(`S52 ${browser.name}: none of ${Object.keys(pages).length} clobbered pages loses a token or runs a script, and all show their content`, {timeout: 600_000}, async t => {
    const w = await harness(t, browser)
    const evil = await hostile(t)
    const o = {api: w.api.origin, evil: evil.origin, client: w.client.id}
    for (const [name, is] of Object.entries(pages))
      await t.test(name, async () => {
        evil.got.length = w.api.requests.length = 0
        let asked = 0
        w.site.answerToken = () => is.emptyToken && !asked++ ? {status: 200, type: 'application/json', body: '{}'} : w.issue()
        const settings = {clientId: w.client.id, tokenUrl: '/stile/token'}
        const data = {...(!is.configured && {'data-client-id': settings.clientId, 'data-token-url': settings.tokenUrl}), ...(is.transport && {'data-transport': is.transport}), ...(is.file && {type: 'module'})}
        const layer = is.tag ? w.script() : added({src: `${o.api}/widgets/v1/${is.file ?? 'stile.js'}`, data, configured: is.configured && settings})
        const page = await w.open((is.html?.(o) ?? '') + widgets + layer, {prepare: async page => is.pollute && page.evaluateOnNewDocument(given, is.pollute(o))})
        const found = await shown(page)
        await page.browserContext().close()
        const lost = evil.got.filter(line => /access_token|callback|^\/(v1|stile)\//.test(line) || w.tokens.some(token => line.includes(token)))
        assert.deepEqual(lost.map(line => line.split(/[? ]/)[0]), [], 'the other server received a request')
        assert.deepEqual(w.api.calls('/v1/').filter(call => [...call.form.values()].includes('evil')).map(call => call.path), [], 'a value of the attacker was sent')
        assert.equal(found.ran, false, 'a script of the other server ran')
        assert.equal(found.get, 'function', 'Stile is the layer')
        assert.ok(found.done, `the content is shown\n${w.watch.complaints.join('\n')}`)
      })
  })

/** Waits for the content, which a slow machine shows late. */
async function shown(page) {
  for (const end = Date.now() + 20_000; ;) {
    const found = await page.evaluate(texts)
    if (found.done || Date.now() > end) return found
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 30)))
  }
}

for (const browser of browsers) {
  test(`S52 ${browser.name}: a search box does not open a javascript: URL`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search label="Find" action="javascript:globalThis.ran=1//"></stile-search>`)
    await w.until(page, () => document.querySelector('stile-search').shadowRoot?.querySelector('button[type=submit]')?.textContent)
    await page.evaluate(() => {
      const root = document.querySelector('stile-search').shadowRoot
      root.querySelector('input').value = 'plum'
      root.querySelector('form').requestSubmit()
    })
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve)))
    assert.equal(await page.evaluate(() => globalThis.ran), undefined)
  })

  test(`S52 ${browser.name}: the dialog for pictures opens on a clobbered page, and runs no handler of Object.prototype`, async t => {
    const w = await harness(t, browser, {settings: {STILE_POLICY_SPIKE_CALLS: 1, STILE_POLICY_CHALLENGE_LADDER: 'picture'}})
    let asked = 0
    w.api.intercept = call => call.path.endsWith('.png') && ++asked ? {status: 404, type: 'text/plain', body: 'no'} : undefined
    const html = '<form name="body"><input name="append"></form><img name="createElement"><img name="hidden"><img name="head">'
    const handlers = {onerror: 'globalThis.ran = 1', onload: 'globalThis.ran = 1', onfocus: 'globalThis.ran = 1'}
    const page = await w.open(html + widgets + w.script(), {prepare: page => page.evaluateOnNewDocument(given, handlers)})
    await w.until(page, () => [...Document.prototype.querySelectorAll.call(document, 'body > div')].some(e => e.shadowRoot?.querySelector('dialog[open]')))
    await w.untilTrue(() => asked, 'the picture')
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 100))) // its error event
    assert.equal(await page.evaluate(() => globalThis.ran), undefined)
  })
}
