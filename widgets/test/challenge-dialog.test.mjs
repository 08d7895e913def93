/** The dialog for pictures in real browsers, with challenges of the real server. */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {test} from 'node:test'
import {browsers, chromium, strict} from './harness.mjs'
import {answerOf} from './harness/challenges.mjs'
import {clickOn, opened, press, seen, untilPicture, untilSeen} from './harness/dialog.mjs'

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

for (const browser of browsers) {
  test(`${browser.name}: a correct answer by keyboard closes it on the strictest page, and the focus is restored`, async t => {
    const {w, page} = await opened(t, browser, {csp: strict})
    const first = await untilPicture(w, page)
    assert.equal(first.focus, 'input')
    assert.equal(first.message, '')
    assert.match(first.alt, /^5 distorted digits/)
    await page.keyboard.type(answerOf(w, first.id))
    await press(page, 'Enter')
    assert.deepEqual(await untilSeen(w, page, s => s.outcome, 'the end'), {outcome: 'solved', focus: 'before'})
    assert.deepEqual(w.watch.complaints.filter(line => !line.includes('favicon')), [])
  })

  test(`${browser.name}: after a wrong answer, it shows a message and the next picture`, async t => {
    const {w, page} = await opened(t, browser)
    const first = await untilPicture(w, page)
    await page.keyboard.type(String((Number(answerOf(w, first.id)) + 1) % 1e5).padStart(5, '0'))
    await press(page, 'Enter')
    const next = await untilSeen(w, page, s => s.id !== first.id && s.width, 'the next picture')
    assert.notEqual(next.picture, first.picture)
    assert.deepEqual([next.message, next.value, next.focus], ['That wasn’t right. Here are new digits.', '', 'input'])
    await page.keyboard.type(answerOf(w, next.id))
    await press(page, 'Enter')
    assert.equal((await untilSeen(w, page, s => s.outcome, 'the end')).outcome, 'solved')
  })

  test(`${browser.name}: after an expired answer, the message says so`, async t => {
    const {w, page} = await opened(t, browser, {change: {expires_in: 0}})
    const first = await untilPicture(w, page)
    await page.keyboard.type(String((Number(answerOf(w, first.id)) + 1) % 1e5).padStart(5, '0'))
    await press(page, 'Enter')
    await untilSeen(w, page, s => s.id !== first.id && s.message === 'That took too long. Here are new digits.', 'the message that it took too long')
  })

  test(`${browser.name}: it can be cancelled while an answer is checked`, async t => {
    let release
    const held = new Promise(resolve => { release = resolve })
    const {w, page} = await opened(t, browser, {instead: call => call.path.endsWith('/answer') ? held : undefined})
    const first = await untilPicture(w, page)
    await page.keyboard.type('00000')
    await press(page, 'Enter')
    await untilSeen(w, page, s => s.message === 'Checking…', 'the message that the answer is checked')
    await press(page, 'Enter')
    await press(page, 'Escape')
    assert.equal((await untilSeen(w, page, s => !s.id, 'the end')).focus, 'before')
    release({status: 422, type: 'application/json', body: JSON.stringify({error: {code: 'challenge_failed', challenge: {id: first.id, kind: 'picture', digits: 5, expires_in: 9, picture: '', sound: ''}}})})
    assert.equal((await untilSeen(w, page, s => s.outcome, 'the end')).outcome, 'cancelled')
    assert.equal(w.api.requests.filter(r => r.path.endsWith('/answer')).length, 1)
  })

  test(`${browser.name}: an answer that is too short is not sent`, async t => {
    const {w, page} = await opened(t, browser)
    const {id} = await untilPicture(w, page)
    await page.keyboard.type('12 x')
    await press(page, 'Enter')
    const after = await seen(page)
    assert.deepEqual([after.message, after.value, after.focus, after.id], ['Please type all 5 digits.', '12', 'input', id])
    assert.equal(w.api.requests.filter(r => r.path.endsWith('/answer')).length, 0)
  })

  test(`${browser.name}: digits of other scripts are accepted, up to the right number`, async t => {
    const {w, page} = await opened(t, browser)
    await untilPicture(w, page)
    await page.keyboard.type('１２-٣٤567')
    assert.equal((await seen(page)).value, '12345')
  })

  test(`${browser.name}: Escape and Cancel close it, and the focus is restored`, async t => {
    for (const cancel of [['Escape'], ['Tab', 'Enter']]) {
      const {w, page} = await opened(t, browser)
      await untilPicture(w, page)
      await press(page, ...cancel)
      assert.deepEqual(await untilSeen(w, page, s => s.outcome, 'the end'), {outcome: 'cancelled', focus: 'before'})
    }
  })

  test(`${browser.name}: the focus stays in it, in reading order`, async t => {
    const {w, page} = await opened(t, browser)
    await untilPicture(w, page)
    const order = []
    for (let i = 0; i < 5; i++) {
      order.push((await seen(page)).focus)
      await press(page, 'Tab')
    }
    assert.deepEqual(order.slice(0, 3), ['input', 'button: Cancel', 'button: Continue'])
    await page.evaluate(() => document.querySelector('body > div').shadowRoot.querySelector('input').focus())
    await page.keyboard.down('Shift')
    await press(page, 'Tab')
    assert.equal((await seen(page)).focus, 'button: New picture')
    await press(page, 'Tab')
    assert.equal((await seen(page)).focus, 'button: Listen')
    await page.keyboard.up('Shift')
    await page.evaluate(() => document.querySelector('#before').focus())
    assert.equal((await seen(page)).focus, 'button: Listen', 'the page behind can\'t take the focus')
  })

  test(`${browser.name}: the keyboard can request another picture`, async t => {
    const {w, page} = await opened(t, browser)
    const first = await untilPicture(w, page)
    await page.keyboard.down('Shift')
    await press(page, 'Tab')
    await page.keyboard.up('Shift')
    await press(page, 'Enter')
    const next = await untilSeen(w, page, s => s.id !== first.id && s.width, 'another picture')
    assert.deepEqual([next.message, next.focus, next.reloads], ['Here are new digits.', 'input', 1])
    await page.keyboard.type(answerOf(w, next.id))
    await press(page, 'Enter')
    assert.equal((await untilSeen(w, page, s => s.outcome, 'the end')).outcome, 'solved')
  })

  test(`${browser.name}: it is in the accent of the site's elements`, async t => {
    const html = '<style>stile-list {--stile-accent: rgb(1, 2, 3); --stile-on-accent: rgb(4, 5, 6)}</style><button id="before">Show more</button><stile-list></stile-list>'
    const {w, page} = await opened(t, browser, {html, csp: api => `${strict(api)}; style-src 'unsafe-inline'`})
    await untilPicture(w, page)
    const {color, backgroundColor} = await page.evaluate(() => {
      const {color, backgroundColor} = getComputedStyle([...document.querySelector('body > div').shadowRoot.querySelectorAll('button')].at(-1))
      return {color, backgroundColor}
    })
    assert.deepEqual([color, backgroundColor], ['rgb(4, 5, 6)', 'rgb(1, 2, 3)'])
  })

  test(`${browser.name}: no answer is sent while another picture is loading`, async t => {
    const {w, page} = await opened(t, browser, {instead: call => call.path.endsWith('/reload') ? new Promise(() => {}) : undefined})
    await untilPicture(w, page)
    await clickOn(page, 'New picture')
    await clickOn(page, 'New picture')
    await page.evaluate(() => document.querySelector('body > div').shadowRoot.querySelector('input').focus())
    await page.keyboard.type('12345')
    await press(page, 'Enter')
    assert.equal((await seen(page)).message, 'Loading…')
    assert.deepEqual([w.api.calls('/v1/challenges/').filter(r => r.path.endsWith('/answer')).length, (await seen(page)).reloads], [0, 1])
  })

  test(`${browser.name}: a message reports a failed reload, and a picture that does not load`, async t => {
    const {w, page} = await opened(t, browser)
    const first = await untilPicture(w, page)
    const parts = w.api.intercept
    const broken = {status: 503, type: 'application/json', body: '{"error":{"code":"overloaded"}}'}
    w.api.intercept = call => call.path.endsWith('/reload') ? broken : parts(call)
    await clickOn(page, 'New picture')
    const refused = await untilSeen(w, page, s => s.message.startsWith('There is no new picture'), 'the message that there is none')
    assert.equal(refused.id, first.id)
    w.api.intercept = call => call.path.endsWith('.png') ? broken : parts(call)
    await clickOn(page, 'New picture')
    await untilSeen(w, page, s => s.message === 'The picture couldn’t be loaded. Try a new one.', 'the message about the picture')
    w.api.intercept = parts
    await clickOn(page, 'New picture')
    await untilPicture(w, page)
  })

  test(`${browser.name}: the sound has the dialog's language and can be stopped, and is only loaded on request`, async t => {
    const {w, page} = await opened(t, browser, {lang: 'ja', csp: strict})
    await untilSeen(w, page, s => s.width === 480, 'the picture')
    assert.equal(w.api.requests.filter(r => r.path.endsWith('.wav')).length, 0)
    await clickOn(page, '音声を聞く')
    const playing = await untilSeen(w, page, s => s.buttons[0] === '停止', 'the sound')
    await w.untilTrue(() => w.api.requests.some(r => r.path.endsWith('.wav')), 'the request for the sound')
    assert.equal(playing.focus, 'input')
    const [asked] = w.api.requests.filter(r => r.path.endsWith('.wav'))
    assert.deepEqual([asked.path.includes(playing.id), asked.form.get('lang')], [true, 'ja'])
    await clickOn(page, '停止')
    await untilSeen(w, page, s => s.buttons[0] === '音声を聞く', 'silence')
    assert.deepEqual(w.watch.of(/media-src|uncaught: (?!.*Content-Security)/), [])
  })

  test(`${browser.name}: a message reports a sound that can't be played`, async t => {
    const {w, page} = await opened(t, browser, {instead: call => call.path.endsWith('.wav') ? {status: 404, type: 'text/plain', body: 'no'} : undefined})
    await untilPicture(w, page)
    await clickOn(page, 'Listen')
    await untilSeen(w, page, s => s.message.startsWith('The sound couldn’t be played'), 'the message about the sound')
  })

  test(`${browser.name}: a page that removes the dialog cancels it`, async t => {
    const {w, page} = await opened(t, browser)
    await untilPicture(w, page)
    await page.evaluate(() => document.querySelector('body > div').remove())
    assert.equal((await untilSeen(w, page, s => s.outcome, 'the end')).outcome, 'cancelled')
  })

  test(`${browser.name}: typing in it does not trigger keyboard shortcuts of the page`, async t => {
    const {w, page} = await opened(t, browser)
    await untilPicture(w, page)
    await page.evaluate(() => {
      const keys = globalThis[Symbol.for('keys')] = []
      for (const type of ['keydown', 'keypress', 'keyup']) document.addEventListener(type, event => keys.push(event.key))
    })
    await page.keyboard.type('12')
    assert.deepEqual(await page.evaluate(() => globalThis[Symbol.for('keys')]), [])
    assert.equal((await seen(page)).value, '12')
  })

  test(`${browser.name}: the page's styles do not affect it`, async t => {
    const head = '<style>body {visibility: hidden; text-transform: uppercase; font-size: 5px} body > div {display: none !important; opacity: .1 !important; position: absolute; left: -9999px; font-size: 5px !important}</style>'
    const {w, page} = await opened(t, browser, {head})
    await untilPicture(w, page)
    const box = await page.evaluate(() => {
      const input = document.querySelector('body > div').shadowRoot.querySelector('input')
      const {width, height, left} = input.getBoundingClientRect()
      return {width, height, left, visibility: getComputedStyle(input).visibility}
    })
    assert.ok(box.width > 200 && box.height >= 44 && box.left > 0 && box.visibility === 'visible', JSON.stringify(box))
  })

  for (const lang of ['de', 'fr', 'es', 'ja', 'xx'])
    test(`${browser.name}: it has texts in ${lang}`, async t => {
      const {w, page} = await opened(t, browser, {lang})
      const {buttons} = await untilSeen(w, page, s => s.width === 480, 'the picture')
      const cancel = {de: 'Abbrechen', fr: 'Annuler', es: 'Cancelar', ja: 'キャンセル', xx: 'Cancel'}[lang]
      assert.equal(buttons[2], cancel)
    })

  test(`${browser.name}: texts from right to left mirror it, except the digits`, async t => {
    const arabic = `export default new Proxy({}, {get: (_, key) => 'نص ' + key})`
    const {w, page} = await opened(t, browser, {instead: call => call.path.endsWith('/dialog-en.mjs') ? {status: 200, type: 'text/javascript', body: arabic} : undefined})
    await untilSeen(w, page, s => s.width === 480, 'the picture')
    const turned = await page.evaluate(() => {
      const root = document.querySelector('body > div').shadowRoot
      const left = n => root.querySelectorAll('button')[n].getBoundingClientRect().left
      return {input: getComputedStyle(root.querySelector('input')).direction, listenAtRight: left(0) > left(1), submitAtLeft: left(3) < left(2)}
    })
    assert.deepEqual(turned, {input: 'ltr', listenAtRight: true, submitAtLeft: true})
  })

  for (const theme of ['light', 'dark'])
    test(`${browser.name}: axe-core finds nothing, ${theme}`, async t => {
      const {w, page} = await opened(t, browser, {theme})
      await untilPicture(w, page)
      await page.evaluate(() => Promise.all(document.querySelector('body > div').shadowRoot.querySelector('dialog').getAnimations().map(animation => animation.finished)))
      await page.evaluate(axe)
      await press(page, 'Enter') // shows a message
      const violations = await page.evaluate(async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ')).join(', ')}`))
      assert.deepEqual(violations, [])
    })

  test(`${browser.name}: a narrow phone shows it completely, with touch targets of 44 pixels`, async t => {
    const {w, page} = await opened(t, browser, {viewport: {width: 320, height: 568}})
    await untilPicture(w, page)
    const {dialog, targets} = await page.evaluate(() => {
      const root = document.querySelector('body > div').shadowRoot
      const dialog = root.querySelector('dialog')
      const box = dialog.getBoundingClientRect()
      return {dialog: {left: box.left, right: box.right, hidden: dialog.scrollWidth - dialog.clientWidth}, targets: [...root.querySelectorAll('button, input')].map(e => Math.round(e.getBoundingClientRect().height))}
    })
    assert.ok(dialog.left >= 0 && dialog.right <= 320 && dialog.hidden === 0, JSON.stringify(dialog))
    assert.ok(targets.length === 5 && targets.every(height => height >= 44), targets.join(' '))
  })
}

test('chromium: it is animated only if the visitor allows motion', async t => {
  const {page} = await opened(t, chromium)
  const animation = () => page.evaluate(() => getComputedStyle(document.querySelector('body > div').shadowRoot.querySelector('dialog')).animationName)
  assert.equal(await animation(), 'in')
  await page.emulateMediaFeatures([{name: 'prefers-reduced-motion', value: 'reduce'}])
  assert.equal(await animation(), 'none')
})
