/**
 * The environment of a test: the real server behind a proxy that records and intercepts requests, a
 * tenant's site on another origin, and its pages in a real browser. It ends with the test.
 *
 *   for (const browser of browsers)
 *     test(`${browser.name}: the list shows items`, async t => {
 *       const w = await harness(t, browser, {settings: {STILE_POLICY_SPIKE_CALLS: 3}})
 *       const page = await w.open(`${w.script()}<stile-list></stile-list>`)
 *       await w.until(page, () =>
 * document.querySelector('stile-list').shadowRoot?.querySelector('h3'))
 *       assert.deepEqual(w.watch.complaints, [])
 *     })
 */
import {Api} from './harness/api.mjs'
import {events, noteEvents} from './harness/events.mjs'
import {post, stranger} from './harness/proofs.mjs'
import {Server} from './harness/server.mjs'
import {Site} from './harness/site.mjs'
import {Watch} from './harness/watch.mjs'

export {browsers, chromium, firefox, insecureHost} from './harness/browsers.mjs'
export {events}

const timeout = 60_000 // ms to wait for a condition

/** The strictest policy in the contract. */
export const strict = api => `default-src 'none'; script-src ${api}/widgets/; connect-src 'self' ${api}; img-src ${api}; media-src ${api}; ` +
  `require-trusted-types-for 'script'; trusted-types stile`

/** Settings with which no token is challenged. */
export const calm = {STILE_POLICY_SPIKE_CALLS: 1_000_000, STILE_POLICY_SPIKE_SUGGESTIONS: 1_000_000, STILE_POLICY_ADDRESS_BINDINGS: 30_000, STILE_POLICY_ADDRESS_RECORDS: 0}

/** A small corpus. */
export const recipes = [
  {id: 'plum-cake', collection: 'recipes', title: 'Plum cake', summary: 'A cake for the end of summer.', body: '<p>Take <em>plums</em>.</p>', tags: ['cake', 'autumn'], attributes: {course: 'dessert', minutes: 50}, url: 'https://publisher.example/plum-cake', published_at: '2026-09-01T00:00:00Z'},
  {id: 'onion-soup', collection: 'recipes', title: 'Onion soup', summary: 'Slow onions, good bread.', body: '<p>Cut the onions.</p>', tags: ['soup', 'winter'], attributes: {course: 'starter', minutes: 90}, published_at: '2026-01-10T00:00:00Z'},
  {id: 'apple-cake', collection: 'recipes', title: 'Apple cake', summary: 'From the orchard.', body: '<p>Take apples.</p>', tags: ['cake'], attributes: {course: 'dessert', minutes: 70}, published_at: '2026-10-03T00:00:00Z'},
  {id: 'knives', collection: 'guides', title: 'On knives', summary: 'One good knife is enough.', body: '<p>Keep it sharp.</p>', tags: ['tools'], published_at: '2025-05-05T00:00:00Z'},
]

class Harness {
  client = {id: 'acme', secret: ''}
  /** The tokens that the tenant's server obtained, in order. */
  tokens = []
  #ends = []

  constructor(browser) {
    this.browser = browser
  }

  async begin({settings = {}, items = recipes, listed = true}) {
    this.api = await this.#kept(Api.listen())
    this.site = await this.#kept(Site.start(() => this.issue()))
    this.server = await this.#kept(Server.start({STILE_PUBLIC_URL: this.api.origin, STILE_TRUSTED_PROXIES: '127.0.0.1/32', ...calm, ...settings}))
    this.api.serve(this.server)
    const added = await this.server.command('tenant', 'add', this.client.id, ...(listed ? ['--site', this.site.origin] : []))
    this.client.secret = added.client_secret
    if (items.length) await this.server.import(items)
    await this.#takesProofs()
  }

  /** Waits until the server accepts proofs, which it does not immediately after its start. */
  async #takesProofs() {
    const token = await this.issue(), prove = stranger()
    this.tokens.length = 0
    const url = `${this.server.url}/v1/token`, htu = `${this.api.origin}/v1/token`
    await this.untilTrue(async () => (await post(url, {client_id: this.client.id, access_token: token, proof: prove('POST', htu, token)})).error?.code !== 'overloaded', 'proofs')
  }

  async #kept(starting) {
    const part = await starting
    this.#ends.unshift(() => part.stop())
    return part
  }

  /** Gets a new token with the client's credentials. */
  async issue() {
    const answer = await this.server.oauth('token', this.client, {grant_type: 'client_credentials'})
    const {access_token: token} = await answer.json()
    this.tokens.push(token)
    return token
  }

  /** Revokes a token, as the tenant can. */
  async revoke(token) {
    await this.server.oauth('revoke', this.client, {token})
  }

  /**
   * Returns the script tag of the layer. Attributes are added, or removed if their value is null.
   */
  script(attributes = {}, file = 'stile.js') {
    const all = {'data-client-id': this.client.id, 'data-token-url': '/stile/token', ...attributes}
    const text = Object.entries(all).filter(([, v]) => v !== null).map(([k, v]) => ` ${k}="${v}"`).join('')
    return `<script ${file.endsWith('.mjs') ? 'type="module"' : 'async'} src="${this.api.origin}/widgets/v1/${file}"${text}></script>`
  }

  /** Opens a page of the tenant with this content. */
  async open(html, {csp, head = '', prepare = async () => {}} = {}) {
    const address = this.site.add('/page.html', `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>${head}</head><body>${html}</body></html>`, {csp})
    const page = await this.blank()
    await prepare(page)
    await page.goto(address)
    return page
  }

  /** Opens an empty page. this.watch has its complaints. */
  async blank() {
    const context = await this.browser.context()
    this.#ends.unshift(() => context.close())
    const page = await context.newPage()
    this.watch = await Watch.begin(page)
    await noteEvents(page)
    return page
  }

  /** Waits until fn, run in the page, returns a true value, and returns it. */
  async until(page, fn, ...args) {
    for (const end = Date.now() + timeout; ;) {
      const got = await page.evaluate(fn, ...args)
      if (got) return got
      if (Date.now() > end) throw new Error(`timed out waiting for ${fn}\n${await this.#state(page)}`)
      await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 20)))
    }
  }

  /** Waits until fn, run here, returns a true value. */
  async untilTrue(fn, what) {
    for (const end = Date.now() + timeout; !(await fn()); await new Promise(resolve => setTimeout(resolve, 20)))
      if (Date.now() > end) throw new Error(`timed out waiting for ${what}\n${this.watch?.complaints.join('\n')}`)
  }

  /** Waits for at least n events of a type, and returns them. */
  async untilEvents(page, type, count = 1) {
    await this.until(page, (type, count) => globalThis[Symbol.for('stile-test-events')].filter(e => e.type === type).length >= count, type, count)
    return (await events(page)).filter(e => e.type === type)
  }

  async #state(page) {
    const text = await page.evaluate(() => document.body?.innerText).catch(String)
    return [`page: ${text}`, ...this.watch.complaints, `events: ${JSON.stringify(await events(page).catch(String))}`,
      `requests: ${this.api.requests.map(r => `${r.method} ${r.path}`).join(', ')}`].join('\n')
  }

  async end() {
    for (const end of this.#ends) await end().catch(error => console.error('at the end of a test:', error))
  }
}

/**
 * Starts the environment of test t. settings are STILE_… variables, items is the corpus, and listed
 * adds the tenant's site to its list of sites.
 */
export async function harness(t, browser, options = {}) {
  const w = new Harness(browser)
  t.after(() => w.end())
  await w.begin(options)
  return w
}

/** Makes a call of the layer in a page. Returns {data, meta}, or {error: its members}. */
export function get(page, path, params) {
  return page.evaluate(async (path, params) => {
    try {
      return await Stile.get(path, params)
    } catch (error) {
      return {error: {name: error.name, message: error.message, ...error}}
    }
  }, path, params)
}
