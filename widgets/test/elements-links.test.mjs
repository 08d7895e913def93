/** Links of items, selections, and searches that leave the page. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {focusIn, textsIn, typeAtOnce, untilIn} from './elements.mjs'
import {browsers, harness, recipes} from './harness.mjs'

/** Counts selections, and hides them from the harness, which would read them as a page does. */
const uninterested = '<script>globalThis.seen = 0; addEventListener("stile:select", event => { seen++; event.stopImmediatePropagation() }, true)</script>'
const interested = '<script>globalThis.chosen = []; addEventListener("stile:select", event => chosen.push(event.detail.item.id))</script>'
const items = recipes.map(({url, ...item}) => item)

const clickTitle = (page, element, options = {}) => page.evaluate((element, options) => {
  const title = document.querySelector(element).shadowRoot.querySelector('.title > *')
  title.dispatchEvent(new MouseEvent(options.button ? 'auxclick' : 'click', {bubbles: true, cancelable: true, composed: true, ...options}))
}, element, options)

for (const browser of browsers) {
  test(`${browser.name}: an item without a page is selected by mouse and keyboard, if the page listens`, async t => {
    const w = await harness(t, browser, {items})
    for (const element of ['stile-list', 'stile-results']) {
      const page = await w.open(`${interested}${w.script()}<${element} sort="title"></${element}>`)
      await untilIn(w, page, element, '.title > *:not(.bone)')
      const titles = await page.evaluate(element => [...document.querySelector(element).shadowRoot.querySelectorAll('.title > *')].map(node => [node.localName, node.role, node.innerText]), element)
      assert.deepEqual(titles[0], ['span', 'button', 'Apple cake'])
      await clickTitle(page, element)
      await focusIn(page, element, '.title > *')
      await page.keyboard.press('Enter')
      await page.keyboard.press(' ')
      assert.deepEqual(await page.evaluate(() => chosen), ['apple-cake', 'apple-cake', 'apple-cake'])
      assert.equal(await page.evaluate(element => getComputedStyle(document.querySelector(element).shadowRoot.querySelector('.title > *')).textDecorationLine, element), 'none', 'it does not look like a link')
      assert.equal(await page.evaluate(element => document.querySelector(element).shadowRoot.activeElement?.role, element), 'button')
      assert.deepEqual(w.watch.complaints, [])
      await page.close()
    }
  })

  test(`${browser.name}: if nobody listens, the developer is informed once, and titles become text`, async t => {
    const w = await harness(t, browser, {items})
    const page = await w.open(`${uninterested}${w.script()}<stile-list sort="title"></stile-list>`)
    await untilIn(w, page, 'stile-list', '.select')
    assert.deepEqual(w.watch.complaints, [], 'before a selection, it is not known whether a page listens')
    await clickTitle(page, 'stile-list')
    await clickTitle(page, 'stile-list')
    assert.equal(await page.evaluate(() => seen), 2, 'the event is still dispatched')
    await w.untilTrue(() => w.watch.complaints.length, 'the message')
    assert.equal(w.watch.complaints.length, 1)
    assert.match(w.watch.complaints[0], /\[stile\] <stile-list>: items have no page, add link="…\/\{id\}" or listen to stile:select/)
    assert.equal(await page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelectorAll('[role=button], [tabindex]').length), 0)
    await page.evaluate(() => document.querySelector('stile-list').tag = 'soup')
    await w.until(page, () => document.querySelector('stile-list').shadowRoot.querySelector('.title').innerText !== 'Apple cake')
    assert.equal(await page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelectorAll('[role=button], [tabindex]').length), 0, 'also those that are shown later')
  })

  test(`${browser.name}: an empty link leaves all items to the page, and an unknown name in it is reported`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${interested}${w.script()}<stile-list sort="title" link=""></stile-list><stile-results link="/recipes/{slug}"></stile-results>`)
    await untilIn(w, page, 'stile-list', '.select')
    assert.equal(await page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelectorAll('a').length), 0)
    await w.untilTrue(() => w.watch.complaints.length, 'the message')
    assert.match(w.watch.complaints.join('\n'), /link="\/recipes\/\{slug\}": \{slug\} is unknown, use \{id\} and \{collection\}/)
    assert.equal(w.watch.complaints.length, 1)
  })

  test(`${browser.name}: a link that opens in another tab is not a selection`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${interested}${w.script()}<script>addEventListener('stile:select', event => event.preventDefault()); addEventListener('click', event => { globalThis.prevented = event.defaultPrevented; event.preventDefault() })</script><stile-list link="/recipes/{id}" sort="title"></stile-list>`)
    await untilIn(w, page, 'stile-list', '.card a')
    for (const modified of [{ctrlKey: true}, {metaKey: true}, {shiftKey: true}, {altKey: true}]) {
      await clickTitle(page, 'stile-list', modified)
      assert.equal(await page.evaluate(() => prevented), false, JSON.stringify(modified))
    }
    assert.deepEqual(await page.evaluate(() => chosen), [])
    await clickTitle(page, 'stile-list')
    assert.equal(await page.evaluate(() => prevented), true)
    assert.deepEqual(await page.evaluate(() => chosen), ['apple-cake'])
  })

  test(`${browser.name}: suggestions dispatch a selection, and open in another tab if the visitor wants`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${interested}${w.script()}<script>globalThis.opened = []; globalThis.open = (...args) => { opened.push(args) }</script><stile-search link="/recipes/{id}"></stile-search><stile-results></stile-results>`)
    await untilIn(w, page, 'stile-results', '.card')
    await focusIn(page, 'stile-search', 'input')
    await typeAtOnce(page, 'plu')
    await untilIn(w, page, 'stile-search', '[role=option]')
    await page.evaluate(() => {
      const option = document.querySelector('stile-search').shadowRoot.querySelector('[role=option]')
      option.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true, ctrlKey: true}))
      option.dispatchEvent(new MouseEvent('auxclick', {bubbles: true, cancelable: true, button: 1}))
      option.dispatchEvent(new MouseEvent('auxclick', {bubbles: true, cancelable: true, button: 2}))
    })
    await page.keyboard.press('ArrowDown')
    await page.keyboard.down('Control')
    await page.keyboard.press('Enter')
    await page.keyboard.up('Control')
    assert.deepEqual(await page.evaluate(() => opened), Array(3).fill([`${w.site.origin}/recipes/plum-cake`, '_blank', 'noopener']))
    assert.deepEqual(await page.evaluate(() => chosen), [])
    await page.evaluate(() => addEventListener('stile:select', event => event.preventDefault()))
    await page.keyboard.press('Enter')
    assert.deepEqual(await page.evaluate(() => chosen), ['plum-cake'])
    assert.equal(await page.evaluate(() => location.pathname), '/page.html')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a box on every page, and one page with the results`, async t => {
    const w = await harness(t, browser)
    w.site.add('/search.html', `<!doctype html><html lang="en"><title>Results</title>${w.script()}<stile-search for="r" action="/search.html"></stile-search><stile-results id="r" deep-link="query" link="/recipes/{id}"></stile-results>`)
    const page = await w.open(`${w.script()}<section id="r">Not results</section><stile-search for="r" action="/search.html?from=page"></stile-search>`)
    await untilIn(w, page, 'stile-search', 'input')
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('  plum cake ')
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')])
    assert.equal(page.url(), `${w.site.origin}/search.html?from=page&q=plum+cake`)
    await untilIn(w, page, 'stile-results', '.card a')
    assert.equal(await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').value), 'plum cake')
    assert.deepEqual(await textsIn(page, 'stile-results', '.title'), ['Plum cake'])
    await focusIn(page, 'stile-search', 'input')
    await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').select())
    await page.keyboard.type('soup')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.search === '?from=page&q=soup')
    await page.goBack()
    await w.until(page, () => document.querySelector('stile-search').shadowRoot.querySelector('input').value === 'plum cake')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: impossible ends in a URL and unknown orders are not sent, and useless buttons are hidden`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search for="r"></stile-search><stile-results id="r" deep-link="query" sort="newst"></stile-results><stile-item item="no-such"></stile-item>`)
    await untilIn(w, page, 'stile-results', '.card')
    await untilIn(w, page, 'stile-item', '.message')
    assert.deepEqual(await textsIn(page, 'stile-item', '.message button'), [])
    const shows = () => page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('.clear').checkVisibility())
    assert.equal(await shows(), false)
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('p')
    assert.equal(await shows(), true)
    await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('.clear').click())
    assert.equal(await shows(), false)
    await page.evaluate(() => history.pushState(null, '', '?min.published_at=2024-02-30&max.published_at=2024-13-45&q=plum'))
    await w.until(page, () => document.querySelector('stile-results').query === 'plum')
    await untilIn(w, page, 'stile-results', '.card')
  })

  test(`${browser.name}: a box without results or action tells the developer`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search for="reslts"></stile-search><stile-results id="results"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.card')
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('plum')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    const messages = () => w.watch.complaints.filter(line => line.includes('[stile] <stile-search>: add <stile-results>'))
    await w.untilTrue(() => messages().length, 'the message')
    assert.equal(messages().length, 1)
  })

  test(`${browser.name}: a box in a form of the page searches, and does not submit the form`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<form action="/elsewhere"><input name="other"><stile-search></stile-search><button>Order</button></form><stile-results link="/recipes/{id}"></stile-results>
      <script>globalThis.submitted = 0; document.forms[0].addEventListener('submit', event => { submitted++; event.preventDefault() })</script>`)
    await untilIn(w, page, 'stile-results', '.card')
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('plum')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText === '1 result for “plum”')
    for (const selector of ['.submit', '.clear']) await page.evaluate(selector => document.querySelector('stile-search').shadowRoot.querySelector(selector).click(), selector)
    assert.equal(await page.evaluate(() => submitted), 0)
    assert.equal(await page.evaluate(() => location.pathname), '/page.html')
  })

  test(`${browser.name}: pasted text is cut to what can be searched, and no error interrupts typing`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search></stile-search><stile-results deep-link="query" link="/recipes/{id}"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.card')
    assert.equal(await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').maxLength), 512)
    const long = 'plum' + 'm'.repeat(200)
    await page.evaluate(long => {
      const box = document.querySelector('stile-search').shadowRoot.querySelector('input')
      box.focus()
      box.value = long
      box.dispatchEvent(new InputEvent('input', {bubbles: true}))
    }, long)
    await w.untilTrue(() => w.api.calls('/v1/suggest').length, 'the request')
    assert.equal(w.api.calls('/v1/suggest')[0].form.get('q'), long.slice(0, 64))
    await page.keyboard.press('Enter')
    await w.until(page, q => location.search === '?q=' + q, long.slice(0, 64))
    assert.equal(await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').value), long.slice(0, 64))
    await page.evaluate(long => history.pushState(null, '', '?q=' + long.repeat(5)), long)
    await w.until(page, q => document.querySelector('stile-search').shadowRoot.querySelector('input').value === q, long.slice(0, 64))
    w.api.intercept = ({path}) => path === '/v1/suggest' ? {status: 400, type: 'application/json', body: JSON.stringify({error: {type: '/problems/bad_request', code: 'bad_request', status: 400, title: 'Malformed request', detail: 'q: too long', ref: '7QK2-M4TD', renewable: false, retry_after: null, challenge: null}})} : undefined
    await page.keyboard.type('x')
    await w.untilEvents(page, 'stile:error')
    assert.deepEqual(await textsIn(page, 'stile-search', '.message'), [])
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })
}
