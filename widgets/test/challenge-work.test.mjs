/**
 * Work in real browsers: in Workers, on pages that forbid them, without crypto.subtle, and aborted.
 */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, chromium, strict, harness} from './harness.mjs'
import {answerOf, challenged, send, serveParts, workOf} from './harness/challenges.mjs'

const settings = {STILE_POLICY_SPIKE_CALLS: 1, STILE_POLICY_CHALLENGE_LADDER: 'work'}

/** The uncaught errors, without Firefox's reports about the policy, which are errors too. */
const uncaught = /^(?!.*Content-Security-Policy).*(uncaught|unhandled)/

/** Opens a page with challenge.mjs, and a challenge issued by the server. */
async function began(t, browser, options = () => ({})) {
  const w = await harness(t, browser, {settings})
  serveParts(w)
  const page = await w.open('<h1>A page</h1>', options(w))
  await page.evaluate(noteWorkers)
  return {w, page, ...await challenged(w)}
}

/** Runs in the page: records the Workers and their URLs that are created and removed. */
function noteWorkers() {
  const noted = globalThis[Symbol.for('noted')] = {started: 0, ended: 0, urls: 0, revoked: 0}
  const count = (object, method, name) => {
    const own = object[method]
    object[method] = function (...args) {
      noted[name]++
      return own.apply(this, args)
    }
  }
  count(Worker.prototype, 'terminate', 'ended')
  count(URL, 'createObjectURL', 'urls')
  count(URL, 'revokeObjectURL', 'revoked')
  globalThis.Worker = class extends Worker {
    constructor(url) {
      super(url)
      noted.started++
    }
  }
}

const noted = page => page.evaluate(() => globalThis[Symbol.for('noted')])

/** Solves a challenge in the page, with the page's policy `stile` if it has one. */
function solve(page, w, challenge) {
  return page.evaluate(async (api, challenge) => {
    const {work} = await import(`${api}/widgets/part/challenge.mjs`)
    const policy = globalThis[Symbol.for('policy')] ??= globalThis.trustedTypes?.createPolicy('stile', {createScriptURL: url => url})
    return work(challenge, policy ? {trusted: {scriptURL: url => policy.createScriptURL(url)}} : {})
  }, w.api.origin, challenge)
}

/**
 * Removes crypto.subtle from the page and at the start of its Workers, as on an insecure origin.
 */
function takeSubtle() {
  const take = `Object.defineProperty(crypto, 'subtle', {value: undefined});`
  Object.defineProperty(crypto, 'subtle', {value: undefined})
  const Own = Blob
  globalThis.Blob = class extends Own {
    constructor(parts, options) {
      super([take, ...parts], options)
    }
  }
}

for (const browser of browsers) {
  test(`${browser.name}: Workers solve a challenge, and none of them is left`, async t => {
    const {w, page, token, challenge} = await began(t, browser)
    const answer = await solve(page, w, challenge)
    assert.equal(answer, answerOf(w, challenge.id))
    assert.equal((await send(w, token, `/v1/challenges/${challenge.id}/answer`, {answer})).data?.solved, true)
    const {started, ended, urls, revoked} = await noted(page)
    const cores = await page.evaluate(() => navigator.hardwareConcurrency)
    assert.ok(started >= 1 && started <= Math.min(4, cores), `${started} Workers on ${cores} cores`)
    assert.equal(ended, started)
    assert.deepEqual([urls, revoked], [1, 1])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: the strictest page solves it on the main thread, and causes one violation`, async t => {
    const {w, page, token, challenge} = await began(t, browser, w => ({csp: strict(w.api.origin)}))
    const answer = await solve(page, w, challenge)
    assert.equal((await send(w, token, `/v1/challenges/${challenge.id}/answer`, {answer})).data?.solved, true)
    assert.equal(await solve(page, w, challenge), answer)
    assert.equal(w.watch.of(/^console error: violation of worker-src/).length, 1)
    assert.deepEqual(w.watch.of(uncaught), [])
    const {urls, revoked} = await noted(page)
    assert.deepEqual([urls, revoked], [1, 1])
  })

  for (const where of ['in Workers', 'on the page'])
    test(`${browser.name}: it is solved ${where} without crypto.subtle`, async t => {
      const {w, page, challenge} = await began(t, browser, w => where === 'on the page' ? {csp: strict(w.api.origin)} : {})
      await page.evaluate(takeSubtle)
      assert.equal(await solve(page, w, challenge), answerOf(w, challenge.id))
      assert.equal((await noted(page)).started > 0 && where === 'in Workers', where === 'in Workers')
    })

  for (const subtle of ['with', 'without'])
    test(`${browser.name}: the page stays responsive while the main thread does the work, ${subtle} crypto.subtle`, async t => {
      const {w, page} = await began(t, browser, w => ({csp: strict(w.api.origin)}))
      if (subtle === 'without') await page.evaluate(takeSubtle)
      // Other programs can only lengthen a gap, so the best of several attempts counts.
      let gaps = [Infinity]
      for (let tries = 0; tries < 20 && Math.max(...gaps) > 50; tries++) gaps = await frameGaps(page, w, workOf(800))
      t.diagnostic(`longest time between two frames: ${Math.round(Math.max(...gaps))} ms`)
      assert.ok(gaps.length > 2, 'it took several frames')
      assert.ok(Math.max(...gaps) <= 50, `the page was blocked for ${Math.max(...gaps)} ms`)
    })

  test(`${browser.name}: it is solved without timers and frames, as in a hidden tab`, async t => {
    const {w, page, challenge} = await began(t, browser, w => ({csp: strict(w.api.origin)}))
    await page.evaluate(takeSubtle)
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', {value: true})
      for (const late of ['setTimeout', 'setInterval', 'requestAnimationFrame', 'requestIdleCallback']) globalThis[late] = () => 0
    })
    assert.equal(await solve(page, w, challenge), answerOf(w, challenge.id))
  })

  for (const where of ['in Workers', 'on the page', 'on the page without crypto.subtle'])
    test(`${browser.name}: it stops when its signal aborts, ${where}`, async t => {
      const {w, page, challenge} = await began(t, browser, w => where === 'in Workers' ? {} : {csp: strict(w.api.origin)})
      if (where.includes('without')) await page.evaluate(takeSubtle)
      const endless = {...challenge, parameters: {...challenge.parameters, keyPrefix: 'ff'.repeat(32)}}
      assert.deepEqual(await giveUp(page, w, endless), ['AbortError', 'AbortError', 'TimeoutError'])
      const before = await noted(page)
      assert.equal(before.ended, before.started)
      assert.equal(before.revoked, before.urls)
      assert.equal(await stepsLater(page), 0, 'it continues after its end')
      assert.deepEqual(w.watch.of(uncaught), [])
    })

  test(`${browser.name}: an unknown algorithm is an immediate error`, async t => {
    const {w, page, challenge} = await began(t, browser)
    await assert.rejects(solve(page, w, {...challenge, parameters: {...challenge.parameters, algorithm: 'ARGON2ID'}}), /ARGON2ID/)
  })
}

test('chromium: no task is reported as a long task', async t => {
  const {w, page} = await began(t, chromium, w => ({csp: strict(w.api.origin)}))
  await page.evaluate(() => {
    const long = globalThis[Symbol.for('long')] = []
    new PerformanceObserver(list => long.push(...list.getEntries().map(entry => entry.duration))).observe({type: 'longtask'})
  })
  let long
  for (let tries = 0; tries < 20 && long?.length !== 0; tries++) {
    await page.evaluate(() => { globalThis[Symbol.for('long')].length = 0 })
    await solve(page, w, workOf(800))
    long = await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => setTimeout(() => resolve(globalThis[Symbol.for('long')])))))
  }
  assert.deepEqual(long, [])
})

/** The times between two frames while the challenge is solved, in milliseconds. */
async function frameGaps(page, w, challenge) {
  await page.evaluate(() => {
    const gaps = globalThis[Symbol.for('gaps')] = []
    let last = performance.now()
    let on = true
    globalThis[Symbol.for('stop')] = () => { on = false }
    requestAnimationFrame(function note(now) {
      gaps.push(now - last)
      last = now
      if (on) requestAnimationFrame(note)
    })
  })
  await solve(page, w, challenge)
  return page.evaluate(() => {
    globalThis[Symbol.for('stop')]()
    return globalThis[Symbol.for('gaps')]
  })
}

/** Returns how work ends that is aborted before its start, aborted while it runs, and expired. */
function giveUp(page, w, challenge) {
  return page.evaluate(async (api, challenge) => {
    const {work} = await import(`${api}/widgets/part/challenge.mjs`)
    const policy = globalThis.trustedTypes?.createPolicy('stile', {createScriptURL: url => url})
    const trusted = policy ? {trusted: {scriptURL: url => policy.createScriptURL(url)}} : {}
    const late = new AbortController()
    const running = work(challenge, {signal: late.signal, ...trusted}).catch(error => error.name)
    setTimeout(() => late.abort(), 100)
    return [
      await work(challenge, {signal: AbortSignal.abort(), ...trusted}).catch(error => error.name),
      await running,
      await work({...challenge, expires_in: 0.1}, trusted).catch(error => error.name),
    ]
  }, w.api.origin, challenge)
}

/** Returns how many keys, or slices, the page starts in 200 ms. */
function stepsLater(page) {
  return page.evaluate(async () => {
    const later = setTimeout
    let steps = 0
    const count = (object, method) => {
      const own = object?.[method]
      if (own) object[method] = function (...args) {
        steps++
        return own.apply(this, args)
      }
    }
    count(crypto.subtle, 'importKey')
    count(globalThis, 'setTimeout')
    await new Promise(resolve => later(resolve, 200))
    return steps
  })
}
