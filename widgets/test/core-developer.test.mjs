/** What the layer tells the page's developer on the console, and what it does not. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, get, harness, strict} from './harness.mjs'
import {untilShown} from './harness/widgets.mjs'

const list = '<stile-list></stile-list>'

/** The mistakes: the page, and the messages that each must log, once. */
const mistakes = {
  'a missing client-id': {tag: {'data-client-id': null}, html: list, says: [/data-client-id is missing on the script/]},
  'the script as a module': {tag: {type: 'module'}, says: [/stile\.js has no <script> tag of its own: remove type="module"/]},
  'a misspelt client-id': {tag: {'data-client-id': null, 'data-clientid': 'acme'}, says: [/unknown setting data-clientid: did you mean "data-client-id"\?, see .*\/problems\/bad_request/]},
  'a misspelt token-url': {tag: {'data-token-url': null, 'data-token_url': '/stile/token'}, html: list, says: [/did you mean "data-token-url"/, /no data-token-url is set, and no listener/]},
  'unknown settings': {script: 'Stile.configure({clientID: "acme", theme: "drak"})', says: [/unknown setting clientID: did you mean "clientId"/, /theme="drak": did you mean "dark"/]},
  'an unknown transport': {tag: {'data-transport': 'josnp'}, says: [/data-transport="josnp": did you mean "jsonp"/]},
  'unknown values': {html: '<stile-results layout="gird" mode="mroe" sort="date" deep-link="hsah"></stile-results><stile-list layout="gird"></stile-list>', says: [
    /<stile-results layout="gird">: did you mean "grid"/, /mode="mroe">: did you mean "more"/, /sort="date">: must be one of relevance, newest, title/, /deep-link="hsah">: did you mean "hash"/, /<stile-list layout="gird">: did you mean "grid"/]},
  'limits': {html: '<stile-list page-size="500"></stile-list><stile-search min-chars="many"></stile-search>', act: () => document.querySelector('stile-search').shadowRoot.querySelector('input').dispatchEvent(new InputEvent('input')), says: [/page-size="500">: must be a number from 1 to 50/, /min-chars="many">: must be a number from 1 to 64/]},
  'for names nothing': {html: '<stile-search for="elsewhere" action="/search.html"></stile-search><stile-search for="gone"></stile-search>', says: [/<stile-search for="gone">: there is no <stile-results id="gone">/]},
  'an unregistered origin': {html: list, listed: 'https://other.example', says: [/client_mismatch/]},
  'a wrong parameter': {call: {limit: 500}, says: [/the server refused a call: limit.*bad_request/]},
  'a token URL that fails': {html: list, token: {status: 500, type: 'text/html', body: 'no'}, says: [/token URL returned no new token.*HTTP 500 text\/html.*\/problems\/token_endpoint/]},
  'a token that the server refuses': {html: list, token: {status: 200, type: 'application/json', body: '{"access_token":"junk"}'}, says: [/the token URL returned a token that the server refuses/]},
  'a policy without calls': {html: list, csp: api => strict(api).replace(`connect-src 'self' ${api}`, "connect-src 'self'"), says: [/connect-src must allow http[^ ]*, see .*\/problems\/csp/]},
  'a policy': {html: list, lang: 'de', csp: api => strict(api).replace(`${api}/widgets/`, `${api}/widgets/v1/stile.js ${api}/widgets/v1/dev.mjs`), says: [/content security policy must allow http[^ ]*\/widgets\/ in script-src.*\/problems\/csp/]},
}

/** Sets the page up, and waits for its messages. */
async function messages(t, browser, is) {
  const w = await harness(t, browser, {listed: !is.listed})
  if (is.listed) await w.server.command('tenant', 'set', w.client.id, '--site', is.listed)
  if (is.token) w.site.answerToken = () => is.token
  const page = await w.open(`<main lang="${is.lang ?? 'en'}">${is.html ?? ''}</main>${w.script(is.tag)}`, {csp: is.csp?.(w.api.origin)})
  await w.until(page, () => globalThis.Stile?.version)
  if (is.script) await page.evaluate(is.script)
  if (is.act) await page.evaluate(is.act)
  if (is.call) await get(page, '/v1/items', is.call)
  return w
}

for (const browser of browsers)
  test(`${browser.name}: each mistake of the page's author is logged once`, {timeout: 300_000}, async t => {
    for (const [what, is] of Object.entries(mistakes))
      await t.test(what, async t => {
        const w = await messages(t, browser, is)
        const said = () => w.watch.of(/console error: \[stile\]/)
        for (const says of is.says) await w.untilTrue(() => said().some(line => says.test(line)), String(says))
        for (const says of is.says) assert.equal(said().filter(line => says.test(line)).length, 1)
        assert.equal(said().length, is.says.length, said().join('\n'))
      })
  })

for (const browser of browsers) {
  test(`${browser.name}: the trouble of visitors is not logged`, async t => {
    const w = await harness(t, browser)
    w.api.from = '192.0.2.9'
    await w.server.command('address', 'block', '192.0.2.9', '--for', '1h')
    const page = await w.open(w.script() + list + '<stile-item item="no-such"></stile-item>')
    await untilShown(w, page, 'stile-list', 'address_blocked')
    w.api.intercept = call => call.path.startsWith('/v1/') ? 'reset' : undefined
    assert.equal((await get(page, '/v1/items')).error.code, 'unreachable')
    assert.deepEqual(w.watch.of(/\[stile\]/), [])
    assert.deepEqual(w.api.calls('/widgets/v1/dev.mjs'), [])
  })

  test(`${browser.name}: data-debug logs each event, without tokens`, async t => {
    const w = await harness(t, browser)
    const logged = []
    const debugged = await w.open(list + w.script({'data-debug': ''}), {prepare: page => page.on('console', message => message.type() === 'debug' && logged.push(message.text()))})
    await untilShown(w, debugged, 'stile-list', 'Plum cake')
    await w.untilTrue(() => ['token-invalid', 'token-renewed', 'load'].every(name => logged.some(line => line.includes(`stile:${name}`))), 'the events')
    for (const token of w.tokens) assert.ok(!logged.join().includes(token))
  })

  test(`${browser.name}: a failed token URL is tried again on a click, online and a visible tab, and the button counts`, async t => {
    const w = await harness(t, browser)
    w.site.answerToken = () => ({status: 503, type: 'text/plain', body: 'no'})
    const page = await w.open(w.script() + list)
    await untilShown(w, page, 'stile-list', 'sign-in is not answering')
    await untilShown(w, page, 'stile-list', 'token_endpoint · 503')
    const button = () => page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelector('[part=message] button').textContent)
    const first = Number((/\((\d+)\)/.exec(await button()) ?? [])[1])
    assert.ok(first > 20 && first <= 30, await button())
    await w.untilTrue(async () => !(await button()).includes(`(${first})`), 'the countdown')
    const asked = w.site.tokenRequests
    w.site.answerToken = () => w.issue()
    await page.evaluate(() => { for (let n = 0; n < 5; n++) dispatchEvent(new Event('online')) })
    await w.untilTrue(async () => {
      await page.evaluate(() => dispatchEvent(new Event('online')))
      await new Promise(resolve => setTimeout(resolve, 200))
      return w.site.tokenRequests > asked
    }, 'an attempt')
    await untilShown(w, page, 'stile-list', 'Plum cake')
    assert.ok(w.site.tokenRequests <= asked + 2, `${w.site.tokenRequests - asked} attempts`)
  })

  test(`${browser.name}: an element that failed recovers when the network is back, with one call`, async t => {
    const w = await harness(t, browser)
    w.api.intercept = call => call.path === '/v1/items' ? 'reset' : undefined
    const page = await w.open(w.script() + list)
    await untilShown(w, page, 'stile-list', 'unreachable')
    w.api.intercept = () => undefined
    w.api.requests.length = 0
    await page.evaluate(() => { for (let n = 0; n < 5; n++) dispatchEvent(new Event('online')) })
    await untilShown(w, page, 'stile-list', 'Plum cake')
    assert.equal(w.api.calls('/v1/items').length, 1)
  })
}
