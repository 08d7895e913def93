/**
 * Challenges by the real server: work in the background, a picture in a dialog, and calls that wait
 * for the answer.
 */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, events, get, harness} from './harness.mjs'
import {answerOf} from './harness/challenges.mjs'

/** A spike after three calls. The first challenge is work, the next ones are pictures. */
const spiky = {STILE_POLICY_SPIKE_CALLS: 3, STILE_POLICY_CHALLENGE_LADDER: 'work,picture'}
const pictures = {STILE_POLICY_SPIKE_CALLS: 3, STILE_POLICY_CHALLENGE_LADDER: 'picture'}

const item = page => get(page, '/v1/items/plum-cake')
const openDialog = () => [...document.querySelectorAll('*')].some(host => host.shadowRoot?.querySelector('dialog[open]') || host.matches('dialog[open]'))

/** What the dialog shows: the id of the picture and the message. */
const dialogNow = page => page.evaluate(() => {
  const root = [...document.querySelectorAll('*')].map(host => host.shadowRoot).find(root => root?.querySelector('dialog[open]'))
  const id = /challenges\/([^/]*)\//.exec(root?.querySelector('img').src)?.[1]
  return {id, message: root?.querySelector('[role=status]').textContent}
})

/** Waits until the dialog shows another picture, and returns its id. */
async function nextPicture(w, page, previous) {
  let now
  await w.untilTrue(async () => (now = await dialogNow(page)).id && now.id !== previous && now.message !== 'Loading…', 'the next picture')
  return now.id
}

async function clickAnother(w, page, previous) {
  const button = await page.evaluateHandle(() => [...document.querySelectorAll('*')].map(host => host.shadowRoot?.querySelector('dialog[open] [type=button]:nth-of-type(2)')).find(Boolean))
  await button.click()
  return nextPicture(w, page, previous)
}

async function type(page, digits) {
  await page.keyboard.type(digits)
  await page.keyboard.press('Enter')
}

async function began(t, browser, settings, attributes) {
  const w = await harness(t, browser, {settings})
  const page = await w.open(w.script(attributes))
  await w.until(page, () => globalThis.Stile)
  return {w, page}
}

for (const browser of browsers) {
  for (const transport of ['form', 'jsonp'])
    test(`${browser.name}: work is solved in the background for all waiting calls, by ${transport}`, async t => {
      const {w, page} = await began(t, browser, spiky, {'data-transport': transport})
      const answers = await Promise.all(Array.from({length: 6}, () => item(page)))
      assert.deepEqual(answers.map(answer => answer.data?.id ?? answer.error), Array(6).fill('plum-cake'))
      const told = (await events(page, 'stile:challenge')).map(e => [e.type, e.target, e.detail.challenge?.kind ?? e.detail.kind])
      assert.deepEqual(told, [['stile:challenge', 'document', 'work'], ['stile:challenge-solved', 'document', 'work']])
      assert.equal(w.api.requests.filter(r => r.path.endsWith('/answer')).length, 1)
      assert.deepEqual(w.watch.of(/^(?!.* status of 429 )/), [], 'except the status, which Chromium logs')
    })

  test(`${browser.name}: a dialog then shows a picture; Escape fails the waiting calls with challenge_required`, async t => {
    const {w, page} = await began(t, browser, spiky)
    for (let n = 0; n < 6; n++) assert.ok((await item(page)).data)
    const waiting = Promise.all([item(page), item(page)])
    await w.until(page, openDialog)
    assert.deepEqual((await events(page, 'stile:challenge')).map(e => e.detail.challenge?.kind ?? e.detail.kind), ['work', 'work', 'picture'])
    await page.keyboard.press('Escape')
    assert.deepEqual((await waiting).map(answer => answer.error?.code), ['challenge_required', 'challenge_required'])
    assert.equal(await page.evaluate(openDialog), false)
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: after a wrong answer, the same dialog shows the next picture`, async t => {
    const {w, page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    const waiting = item(page)
    await w.until(page, openDialog)
    const shown = () => page.evaluate(() => [...document.querySelectorAll('*')].map(host => host.shadowRoot?.querySelector('dialog[open] img')?.src).find(Boolean) ?? '')
    const id = await nextPicture(w, page), first = await shown()
    await type(page, answerOf(w, id) === '00000' ? '11111' : '000000')
    await w.untilTrue(async () => ![first, ''].includes(await shown()), 'another picture')
    assert.equal((await events(page, 'stile:challenge-solved')).length, 0)
    await page.keyboard.press('Escape')
    assert.ok(['challenge_required', 'challenge_failed'].includes((await waiting).error?.code))
  })

  test(`${browser.name}: after a reload, the answer goes to the picture that is shown`, async t => {
    const {w, page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    const waiting = item(page)
    const first = await nextPicture(w, page)
    const second = await clickAnother(w, page, first)
    await type(page, answerOf(w, second))
    assert.equal((await waiting).data?.id, 'plum-cake')
    assert.deepEqual(w.api.calls('/v1/challenges/').filter(r => r.path.endsWith('/answer')).map(r => r.path), [`/v1/challenges/${second}/answer`])
    assert.equal((await events(page, 'stile:challenge-solved')).length, 1)
  })

  test(`${browser.name}: two reloads, a wrong answer, and a correct one`, async t => {
    const {w, page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    const waiting = item(page)
    const third = await clickAnother(w, page, await clickAnother(w, page, await nextPicture(w, page)))
    await type(page, answerOf(w, third) === '11111' ? '22222' : '11111')
    const fourth = await nextPicture(w, page, third)
    assert.equal((await dialogNow(page)).message, 'That wasn’t right. Here are new digits.')
    await type(page, answerOf(w, fourth))
    assert.equal((await waiting).data?.id, 'plum-cake')
    assert.deepEqual(w.api.calls('/v1/challenges/').filter(r => r.path.endsWith('/answer')).map(r => r.status), [422, 200])
  })

  test(`${browser.name}: an expired picture is reloaded and solved`, async t => {
    const {w, page} = await began(t, browser, {...pictures, STILE_POLICY_CHALLENGE_EXPIRES: '10s'})
    for (let n = 0; n < 3; n++) await item(page)
    const waiting = item(page)
    const first = await nextPicture(w, page)
    const picture = `${w.server.url}/v1/challenges/${first}/picture.png`
    await w.untilTrue(async () => !(await fetch(picture)).ok, 'the end of the first picture')
    const second = await clickAnother(w, page, first)
    await type(page, answerOf(w, second))
    assert.equal((await waiting).data?.id, 'plum-cake')
  })

  test(`${browser.name}: a picture that another tab replaced gives way to the open one`, async t => {
    const {w, page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    const waiting = item(page)
    const first = await nextPicture(w, page)
    let lost = true
    w.api.intercept = call => lost && call.path.endsWith('/reload') ? (lost = false, fetch(w.server.url + call.path, {method: 'POST', body: call.form, headers: {origin: w.site.origin}}).then(() => 'reset')) : undefined
    const second = await clickAnother(w, page, first)
    await type(page, answerOf(w, second))
    assert.equal((await waiting).data?.id, 'plum-cake')
  })

  test(`${browser.name}: the page's own answer is sent; the dialog shows the next challenge, which the page does not answer`, async t => {
    const {w, page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    await page.evaluate(() => document.addEventListener('stile:challenge', e => e.detail.respondWith(Promise.resolve('123')), {once: true}))
    const waiting = item(page)
    await w.untilTrue(() => w.api.requests.some(r => r.path.endsWith('/answer') && r.form.get('answer') === '123'), 'the answer of the page')
    await w.until(page, openDialog)
    await page.keyboard.press('Escape')
    assert.ok((await waiting).error)
  })

  test(`${browser.name}: if the page prevents the event, its calls are refused and no dialog opens`, async t => {
    const {page} = await began(t, browser, pictures)
    for (let n = 0; n < 3; n++) await item(page)
    await page.evaluate(() => document.addEventListener('stile:challenge', e => e.preventDefault()))
    assert.equal((await item(page)).error?.code, 'challenge_required')
    assert.equal(await page.evaluate(openDialog), false)
  })

  test(`${browser.name}: calls to an overloaded server are retried twice, after the requested pause`, async t => {
    const {w, page} = await began(t, browser, {})
    const busy = JSON.stringify({error: {type: '/problems/overloaded', code: 'overloaded', status: 503, title: 'Busy', detail: '', ref: 'AAAA-AAAA', renewable: false, retry_after: 1, challenge: null}})
    let times = 1
    w.api.intercept = call => call.path === '/v1/items/plum-cake' && times-- > 0 ? {status: 503, type: 'application/json', body: busy} : undefined
    const at = Date.now()
    assert.equal((await item(page)).data?.id, 'plum-cake')
    assert.ok(Date.now() - at >= 1000, 'it waited as long as the server requested')
    assert.equal(w.api.calls('/v1/items/plum-cake').length, 2)
    times = Infinity
    assert.equal((await item(page)).error?.code, 'overloaded')
    assert.equal(w.api.calls('/v1/items/plum-cake').length, 2 + 3)
  })

  test(`${browser.name}: a broken connection is retried, and an aborted call ends immediately`, async t => {
    const {w, page} = await began(t, browser, {}, {'data-transport': 'form'})
    assert.ok((await item(page)).data)
    let breaks = 1
    w.api.intercept = call => call.path === '/v1/items' && breaks-- > 0 ? 'reset' : undefined
    assert.equal((await get(page, '/v1/items')).meta?.total, 4)
    w.api.intercept = () => new Promise(() => {})
    const name = await page.evaluate(async () => {
      const abort = new AbortController()
      const call = Stile.get('/v1/items', {}, {signal: abort.signal})
      abort.abort()
      return call.catch(error => error.name)
    })
    assert.equal(name, 'AbortError')
  })
}
