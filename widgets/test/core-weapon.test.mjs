/**
 * S50: another page can make its visitors' browsers send requests with tokens of its choice. None
 * of them binds a token of a tenant with sites.
 */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, calm, events, insecureHost, harness} from './harness.mjs'
import {Site} from './harness/site.mjs'
import {weapons, worker} from './harness/weapons.mjs'
import {fourWidgets, untilAllShown} from './harness/widgets.mjs'

/** The default rules: after 45 bound tokens without a solved challenge, the address is blocked. */
const byDefault = Object.fromEntries(Object.keys(calm).map(name => [name, undefined]))
const enough = 45
const visitor = '192.0.2.7'

/** Features that a browser does not have. */
const unknown = {chromium: [], firefox: ['speculation rules, prefetch', 'a ping']}

/**
 * Weapons that bind tokens of a tenant without sites: the browser marks them as fetch or script.
 */
const remaining = [
  'link preload, as a script', 'link preload, as a fetch', 'link modulepreload',
  'a script', 'a script with crossorigin', 'a module',
  'fetch, no-cors', 'fetch, cors', 'fetch, keepalive', 'fetch, no-cors, POST', 'fetch in a sandboxed frame', 'fetch in a frame from data:', 'fetch in a frame from blob:', 'fetch in a worker', 'importScripts in a worker',
  'XMLHttpRequest', 'sendBeacon', 'EventSource', 'WebSocket', 'import()',
  'a picture through a service worker', 'a script through a service worker',
  'a header Link, as a script', "a script redirected by the tenant's site", "a fetch, no-cors, redirected by the tenant's site", "a fetch, cors, redirected by the tenant's site",
]

/** A visitor of another site's page, which has any number of tokens. */
class Attack {
  /** The targets of each weapon: [{name, targets}]. */
  fired = []
  #policy

  static async begin(t, browser, {policy = 'no-referrer', ...options} = {}) {
    const attack = new Attack()
    attack.#policy = policy
    attack.w = await harness(t, browser, options)
    attack.w.api.from = visitor
    attack.site = await Site.start()
    t.after(() => attack.site.stop())
    attack.site.add('/worker.js', worker)
    return attack
  }

  async #target() {
    const {client, api} = this.w
    const token = await this.w.issue()
    const fields = {q: 'soup', client_id: client.id, access_token: token}
    const action = `${api.origin}/v1/items`, url = `${action}?${new URLSearchParams(fields)}`
    return {token, fields, action, url, jsonp: `${url}&callback=noted`}
  }

  /** Opens a page that uses these weapons, each with n tokens, and waits for all responses. */
  async fire(used, count) {
    const parts = []
    for (const {name, make, count: own} of used) {
      const targets = await Promise.all(Array.from({length: own ?? count}, () => this.#target()))
      this.fired.push({name, targets})
      parts.push(make(targets, this.w.site))
    }
    const html = parts.map(part => part.html).join('\n').replace(/(referrerpolicy\W+)no-referrer/gi, `$1${this.#policy}`)
    const address = this.site.add('/', `<!doctype html><title>Another page</title><body>${html}`, {csp: parts[0].csp, headers: {'referrer-policy': this.#policy, ...parts[0].headers}})
    const page = await this.w.blank()
    // A navigation may end it.
    await page.goto(address, {waitUntil: 'domcontentloaded'}).catch(() => {})
    await this.#untilAnswered(used.map(({name}) => name).filter(name => !unknown[this.w.browser.name].includes(name)))
    await page.close()
  }

  #untilAnswered(names) {
    const missing = () => this.fired.filter(({name, targets}) => names.includes(name) && !targets.every(({token}) => this.requestsOf(token).some(({status}) => status)))
    return this.w.untilTrue(() => !missing().length, `the tokens of ${names}`).catch(() => assert.deepEqual(missing().map(({name}) => name), [], 'every token arrives'))
  }

  /** The requests with a token, except preflights. */
  requestsOf(token) {
    return this.w.api.calls().filter(({method, url, form}) => method !== 'OPTIONS' && (new URL(url, this.w.api.origin).searchParams.get('access_token') ?? form.get('access_token')) === token)
  }

  /** Uses all weapons, on one page if possible. */
  async fireAll(count) {
    await this.fire(weapons.filter(({alone}) => !alone), count)
    for (const weapon of weapons.filter(({alone}) => alone)) await this.fire([weapon], count)
  }

  /** Returns the binding of a token, as the tenant's introspection reports it. */
  async bindingOf(token) {
    return (await (await this.w.server.oauth('introspect', this.w.client, {token})).json()).binding
  }

  /** Returns, for each weapon that bound tokens, its name, their number, and one's headers. */
  async bound() {
    const found = []
    for (const {name, targets} of this.fired) {
      const bindings = await Promise.all(targets.map(({token}) => this.bindingOf(token)))
      const bound = targets.filter((_, n) => bindings[n] !== 'none')
      if (bound.length) found.push({name, bound: bound.length, headers: this.requestsOf(bound[0].token)[0]?.headers})
    }
    return found
  }

  /** The tokens that the server has received. */
  get tokens() {
    return this.fired.flatMap(({targets}) => targets.map(({token}) => token)).filter(token => this.requestsOf(token).length)
  }

  /** Checks that the tenant's page serves the visitor without a challenge. */
  async visitorIsServed() {
    const page = await this.w.open(this.w.script() + fourWidgets)
    await untilAllShown(this.w, page)
    assert.deepEqual((await events(page)).filter(e => /challenge|error/.test(e.type)), [])
    assert.deepEqual(this.w.api.calls('/v1/challenges'), [])
    const token = this.w.tokens.at(-1)
    assert.notEqual(await this.bindingOf(token), 'none', 'the token is bound')
    assert.notEqual((await this.w.server.command('token', 'show', token)).binding, 'none')
  }
}

for (const browser of browsers) {
  test(`S50 ${browser.name}: pictures without a referrer bind none of ${enough} tokens, and the tenant's page serves the visitor`, async t => {
    const attack = await Attack.begin(t, browser, {settings: byDefault})
    await attack.fire(weapons.filter(({name}) => name === 'a picture'), enough)
    assert.equal(attack.tokens.length, enough)
    for (const token of attack.tokens) assert.equal((await attack.w.server.command('token', 'show', token)).binding, 'none')
    assert.deepEqual(await attack.w.server.command('address', 'list'), [])
    await attack.visitorIsServed()
  })

  for (const [policy, count] of [['no-referrer', 5], ['unsafe-url', 2]])
    test(`S50 ${browser.name}: no request from another page, under ${policy}, binds a token`, async t => {
      const attack = await Attack.begin(t, browser, {settings: byDefault, policy})
      await attack.fireAll(count)
      assert.deepEqual(await attack.bound(), [])
      assert.deepEqual(await attack.w.server.command('address', 'list'), [])
      await attack.visitorIsServed()
      t.diagnostic(`${attack.fired.length - unknown[browser.name].length} ways, ${attack.tokens.length} tokens, 0 bound`)
    })

  test(`S50 ${browser.name}: for a tenant without sites, only a fetch or a script binds`, async t => {
    const attack = await Attack.begin(t, browser, {listed: false})
    await attack.fireAll(1)
    assert.deepEqual((await attack.bound()).map(({name}) => name).sort(), [...remaining].sort())
  })

  test(`S50 ${browser.name}: browsers do not mark requests to an API by plain HTTP, so only site=required refuses pictures`, async t => {
    const attack = await Attack.begin(t, browser)
    const {server, client, api} = attack.w
    const plain = api.origin.replace('127.0.0.1', insecureHost)
    const picture = {name: 'a picture by plain http', make: targets => ({html: targets.map(({url}) => `<img referrerpolicy=no-referrer src="${url.replace(api.origin, plain)}">`).join('')})}
    await attack.fire([picture], 3)
    const [{bound, headers}] = await attack.bound()
    assert.deepEqual([bound, headers['sec-fetch-dest'], headers.referer], [3, undefined, undefined])
    await server.command('tenant', 'set', client.id, 'site=required')
    attack.fired = []
    await attack.fire([picture], 3)
    assert.deepEqual(await attack.bound(), [])
  })

  test(`S50 ${browser.name}: a page that frames the tenant's page gets no token under frame-ancestors 'self'`, async t => {
    const attack = await Attack.begin(t, browser)
    const {site} = attack.w, frames = 20
    const framed = site.add('/framed.html', `<!doctype html><title>The tenant's page</title>${attack.w.script()}${fourWidgets}`, {csp: "frame-ancestors 'self'"})
    const page = await attack.w.blank()
    await page.goto(attack.site.add('/', `<!doctype html><title>Another page</title>${`<iframe src="${framed}"></iframe>`.repeat(frames)}`), {waitUntil: 'load'})
    assert.equal(site.requests.filter(({path}) => path === '/framed.html').length, frames)
    assert.deepEqual(attack.w.api.requests.map(({path}) => path), [], 'the layer is not loaded')
    assert.equal(site.tokenRequests, 0)
  })
}
