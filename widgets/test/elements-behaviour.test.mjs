/** The behaviour of the elements, by keyboard, in real browsers. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {atlas, focused, focusIn, textsIn, typeAtOnce, untilIn} from './elements.mjs'
import {browsers} from './harness.mjs'

/** Waits until the count of the results starts with a text. */
function untilCount(w, page, text) {
  return w.until(page, text => document.querySelector('stile-results')?.shadowRoot?.querySelector('.count').innerText.startsWith(text), text)
}

/** The parameters of the calls for items, without those that all calls have. */
function asked(w) {
  return w.api.calls('/v1/items').map(({form}) => Object.fromEntries([...form].filter(([name]) => ['q', 'collection', 'tag', 'cursor', 'sort', 'limit'].includes(name))))
}

/** Records the listeners on the document and the window, except the core's during a call. */
const noteListeners = `{
  const kept = new Set()
  globalThis.listened = () => [...kept].map(({type}) => type).filter(type => type !== 'securitypolicyviolation').sort()
  for (const target of [document, window]) {
    const {addEventListener, removeEventListener} = target
    target.addEventListener = (type, listener, options) => {
      const entry = {type, listener}
      kept.add(entry)
      options?.signal?.addEventListener('abort', () => kept.delete(entry))
      addEventListener.call(target, type, listener, options)
    }
    target.removeEventListener = (type, listener, options) => {
      for (const entry of kept) if (entry.type === type && entry.listener === listener) kept.delete(entry)
      removeEventListener.call(target, type, listener, options)
    }
  }
}`

for (const browser of browsers) {
  test(`${browser.name}: a search by keyboard alone`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-search for="r" label="Find"></stile-search><stile-results id="r" facets="tag" page-size="5"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.card a')
    await focusIn(page, 'stile-search', 'input')
    await typeAtOnce(page, 'icel')
    await untilIn(w, page, 'stile-search', '[role=option]')
    const box = () => page.evaluate(() => {
      const root = document.querySelector('stile-search').shadowRoot, input = root.querySelector('input')
      const active = input.getAttribute('aria-activedescendant')
      return {value: input.value, expanded: input.getAttribute('aria-expanded'), active: active && root.getElementById(active)?.innerText.split('\n')[0], selected: root.querySelectorAll('[aria-selected=true]').length}
    })
    assert.deepEqual(await box(), {value: 'icel', expanded: 'true', active: null, selected: 0})
    await page.keyboard.press('ArrowDown')
    const first = await box()
    assert.equal(first.active, 'Iceland')
    assert.equal(first.selected, 1)
    await page.keyboard.press('ArrowUp')
    assert.equal((await box()).active, null, 'up from the first option leads to the box')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Home')
    assert.equal((await box()).active, 'Iceland')
    await page.keyboard.press('Escape')
    assert.deepEqual(await box(), {value: 'icel', expanded: 'false', active: null, selected: 0}, 'Escape closes and keeps the text')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText.endsWith(' for “Iceland”'))
    assert.equal((await box()).expanded, 'false')
    await page.keyboard.press('Escape')
    await untilCount(w, page, '283 results')
    assert.equal((await box()).value, '', 'Escape without suggestions clears the box')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: facets and pages by keyboard alone`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-results facets="collection,tag" page-size="5"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.card a')
    await page.setViewport({width: 1100, height: 800})
    await focusIn(page, 'stile-results', 'input[name=tag][value=island]')
    await page.keyboard.press(' ')
    await untilCount(w, page, '85 results')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement?.value), 'island', 'the focus stays on the box')
    await focusIn(page, 'stile-results', 'input[name=collection][value=""]')
    await page.keyboard.press('ArrowDown')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('[name=collection]:checked').value)
    await w.until(page, () => {
      const root = document.querySelector('stile-results').shadowRoot
      return root.querySelector('.content').ariaBusy === 'false' && new Set([...root.querySelectorAll('.collection')].map(node => node.innerText)).size === 1
    })
    assert.ok(w.api.calls('/v1/items').at(-1).form.get('collection'))
    const before = await textsIn(page, 'stile-results', '.title')
    await focusIn(page, 'stile-results', '.next')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page')?.innerText.startsWith('Page 2 of '))
    assert.equal(await focused(page), 'count', 'the focus is above the new page')
    const after = await textsIn(page, 'stile-results', '.title')
    assert.equal(after.some(title => before.includes(title)), false)
    await focusIn(page, 'stile-results', '.previous')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page')?.innerText.startsWith('Page 1 of '))
    assert.deepEqual(await textsIn(page, 'stile-results', '.title'), before)
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: values of attributes are chosen like tags`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-results facets="tag,languages,currency" page-size="5"></stile-results>`)
    const choices = () => w.api.calls('/v1/items').at(-1).form
    await untilIn(w, page, 'stile-results', '.card a')
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('.facet')].filter(node => !node.querySelector('label input[type=checkbox]')).length), 0, 'each has a check box')
    assert.deepEqual(await page.evaluate(() => {
      const box = document.querySelector('stile-results').shadowRoot.querySelector('[name=languages][value=English]')
      return [box.closest('fieldset').querySelector('legend').innerText, ...box.labels[0].innerText.split(/\s+/)]
    }), ['Languages', 'English', '86'])
    await focusIn(page, 'stile-results', '[name=languages][value=English]')
    await page.keyboard.press(' ')
    await untilCount(w, page, '86 results')
    assert.deepEqual(await page.evaluate(() => { const {name, value, checked} = document.querySelector('stile-results').shadowRoot.activeElement; return [name, value, checked] }), ['languages', 'English', true], 'the focus stays on the box')
    await focusIn(page, 'stile-results', '[name=languages][value=French]')
    await page.keyboard.press(' ')
    await untilCount(w, page, '8 results')
    assert.deepEqual(choices().getAll('attribute.languages'), ['English', 'French'])
    await focusIn(page, 'stile-results', '[name=currency][value="US Dollar"], [name=currency]')
    const currency = await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement.value)
    await page.keyboard.press(' ')
    await w.untilTrue(() => choices().get('attribute.currency'), 'the call')
    assert.equal(choices().get('attribute.currency'), currency)
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.badge').textContent === '3')
    await focusIn(page, 'stile-results', '[name=currency]:checked')
    await page.keyboard.press(' ')
    await untilCount(w, page, '8 results')
    assert.deepEqual([...choices().keys()].filter(name => name.startsWith('attribute.')), ['attribute.languages', 'attribute.languages'], 'unchecked values are not sent')
    await page.evaluate(() => document.querySelector('stile-results').query = 'nothingofthatname')
    await untilIn(w, page, 'stile-results', '.message button')
    await page.evaluate(() => {
      const results = document.querySelector('stile-results')
      results.query = ''
      results.shadowRoot.querySelector('.message button').click()
    })
    await untilCount(w, page, '283 results')
    assert.deepEqual([...choices().keys()].filter(name => name.startsWith('attribute.')), [], 'all of them are removed')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a button shows the other values of a facet, and moves the focus there`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-results facets="languages" page-size="5"></stile-results>`)
    await page.setViewport({width: 1100, height: 800})
    await untilIn(w, page, 'stile-results', '.more-values')
    await focusIn(page, 'stile-results', '.more-values')
    await page.keyboard.press('Enter')
    assert.deepEqual(await page.evaluate(() => {
      const root = document.querySelector('stile-results').shadowRoot, boxes = [...root.querySelectorAll('[name=languages]')]
      return [boxes.length, boxes.indexOf(root.activeElement)]
    }), [20, 8])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: more results are added below, and get the focus`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-results collection="europe" mode="more" page-size="4" link="#{id}"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.more')
    const first = await textsIn(page, 'stile-results', '.title')
    await focusIn(page, 'stile-results', '.more')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelectorAll('.card').length === 8)
    const all = await textsIn(page, 'stile-results', '.title')
    assert.deepEqual(all.slice(0, 4), first)
    assert.equal(new Set(all).size, 8)
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement.innerText), all[4])
  })

  test(`${browser.name}: several changed attributes and properties cause one call, and unchanged ones none`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<script>const made = document.createElement('stile-results'); made.query = 'island'; made.pageSize = 3; document.body.append(made)</script>`)
    await untilIn(w, page, 'stile-results', '.card a')
    assert.deepEqual(asked(w), [{q: 'island', limit: '3'}], 'properties that were set before the definition are applied')
    await page.evaluate(() => {
      const results = document.querySelector('stile-results')
      results.setAttribute('query', 'lake')
      results.setAttribute('query', 'sea')
      results.sort = 'title'
      results.pageSize = 2
    })
    await w.untilEvents(page, 'stile:load', 2)
    assert.deepEqual(asked(w).slice(1), [{q: 'sea', sort: 'title', limit: '2'}])
    await page.evaluate(() => {
      const results = document.querySelector('stile-results'), box = document.createElement('div')
      results.layout = 'grid'
      document.body.append(box)
      box.append(results)
    })
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.items').dataset.layout === 'grid')
    assert.equal(asked(w).length, 2, 'another layout or place does not cause a call')
  })

  test(`${browser.name}: a removed element removes its listeners and aborts its calls`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`<script>${noteListeners}</script>${w.script()}`)
    await w.until(page, () => Boolean(globalThis.Stile))
    await page.evaluate(() => Stile.get('/v1/collections'))
    const before = await page.evaluate(() => listened())
    const held = []
    w.api.intercept = request => request.path.startsWith('/v1/items') ? new Promise(resolve => held.push(() => resolve(undefined))) : undefined
    await page.evaluate(() => {
      document.body.insertAdjacentHTML('beforeend', '<div id="all"><stile-search></stile-search><stile-results deep-link="hash"></stile-results><stile-list layout="carousel"></stile-list><stile-item item="iceland"></stile-item></div>')
      globalThis.gone = [...document.querySelectorAll('#all > *')]
      globalThis.loads = 0
      for (const element of gone) element.addEventListener('stile:load', () => loads++)
    })
    await w.untilTrue(() => held.length === 3, 'three calls')
    assert.ok((await page.evaluate(() => listened())).length > before.length, 'there are listeners')
    await page.evaluate(() => document.querySelector('#all').remove())
    assert.deepEqual(await page.evaluate(() => listened()), before)
    for (const release of held) release()
    w.api.intercept = () => undefined
    await page.evaluate(() => Stile.get('/v1/collections'))
    assert.equal(await page.evaluate(() => loads), 0, 'the responses are not used')
    await page.evaluate(() => document.body.append(...gone))
    await untilIn(w, page, 'stile-results', '.card a')
    await untilIn(w, page, 'stile-list', '.card a')
    await untilIn(w, page, 'stile-item', '.body p')
    assert.equal(await page.evaluate(() => loads), 3)
  })

  test(`${browser.name}: the search is in the URL, also with back and forward`, async t => {
    const w = await atlas(t, browser)
    for (const kind of ['query', 'hash']) {
      const page = await w.open(`${w.script()}<stile-search></stile-search><stile-results deep-link="${kind}" facets="tag,languages" page-size="5"></stile-results>`)
      const place = () => page.evaluate(kind => decodeURIComponent(location[kind === 'query' ? 'search' : 'hash'].slice(1)).replace(/cursor=[^&]+/, 'cursor=…'), kind)
      const box = () => page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').value)
      await untilIn(w, page, 'stile-results', '.card a')
      assert.equal(await place(), '', 'the initial state adds nothing')
      await page.evaluate(() => document.querySelector('stile-results').query = 'island')
      await untilCount(w, page, '89 results')
      await focusIn(page, 'stile-results', '[name=tag][value=sparse]')
      await page.keyboard.press(' ')
      await untilCount(w, page, '7 results')
      assert.equal(await place(), 'q=island&tag=sparse')
      await focusIn(page, 'stile-results', '.next')
      await page.keyboard.press('Enter')
      await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page')?.innerText.startsWith('Page 2 of '))
      assert.equal(await place(), 'q=island&tag=sparse&page=2&cursor=…')
      const second = await textsIn(page, 'stile-results', '.title')
      await page.reload()
      await untilIn(w, page, 'stile-results', '.card a')
      assert.deepEqual(await textsIn(page, 'stile-results', '.title'), second, 'a link to the second page opens it')
      await page.evaluate(() => history.back())
      await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page')?.innerText.startsWith('Page 1 of '))
      await page.evaluate(() => history.back())
      await untilCount(w, page, '89 results')
      assert.equal(await box(), 'island')
      await page.evaluate(() => history.back())
      await untilCount(w, page, '283 results')
      assert.equal(await box(), '')
      await page.evaluate(() => history.forward())
      await untilCount(w, page, '89 results')
      await focusIn(page, 'stile-results', '[name=languages][value=English]')
      await page.keyboard.press(' ')
      await untilIn(w, page, 'stile-results', '.badge')
      assert.equal(await place(), 'q=island&attribute.languages=English')
      await page.reload()
      await untilIn(w, page, 'stile-results', '[name=languages][value=English]:checked')
      await page.evaluate(() => history.back())
      await untilCount(w, page, '89 results')
      assert.deepEqual(w.watch.complaints, [])
      await page.close()
    }
  })

  test(`${browser.name}: the page can handle a selection and an error`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<script>addEventListener('stile:select', event => { if (window.mine) event.preventDefault() })</script><stile-list collection="europe" link="#{id}"></stile-list>`)
    await untilIn(w, page, 'stile-list', '.card a')
    const click = () => page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelector('.card a').click())
    await page.evaluate(() => window.mine = true)
    await click()
    assert.equal(await page.evaluate(() => location.hash), '')
    await page.evaluate(() => window.mine = false)
    await click()
    assert.match(await page.evaluate(() => location.hash), /^#[a-z-]+$/)
    const [chosen] = await w.untilEvents(page, 'stile:select', 2)
    assert.equal(chosen.type, 'stile:select')
    await page.evaluate(() => {
      addEventListener('stile:error', event => event.preventDefault())
      document.body.insertAdjacentHTML('beforeend', '<stile-item item="nowhere"><a href="/all">All places</a></stile-item>')
    })
    await w.untilEvents(page, 'stile:error')
    assert.equal(await page.evaluate(() => document.querySelector('stile-item').shadowRoot.querySelector('.message')), null)
    assert.equal(await page.evaluate(() => document.querySelector('stile-item a').checkVisibility()), true, 'the fallback is shown')
  })

  test(`${browser.name}: an error is shown as a message, and a retry helps`, async t => {
    const w = await atlas(t, browser)
    let broken = true
    w.api.intercept = request => broken && request.path.startsWith('/v1/items/') ? {status: 500, type: 'application/json', body: JSON.stringify({error: {type: '/problems/internal', code: 'internal', status: 500, title: 'A fault', detail: 'A fault.', ref: '7QK2-M4TD', renewable: false, retry_after: null, challenge: null}})} : undefined
    const page = await w.open(`${w.script()}<stile-item item="iceland"><p id="fallback">Iceland, at the publisher's.</p></stile-item>`)
    await untilIn(w, page, 'stile-item', '.message')
    assert.deepEqual(await textsIn(page, 'stile-item', '.message > *'), ['Something went wrong.', 'Please try again in a moment.', 'Try again', 'Code internal · 7QK2-M4TD'])
    assert.equal(await page.evaluate(() => document.querySelector('#fallback').checkVisibility()), true)
    broken = false
    await focusIn(page, 'stile-item', '.message button')
    await page.keyboard.press('Enter')
    await untilIn(w, page, 'stile-item', '.body p')
    assert.equal(await page.evaluate(() => document.querySelector('#fallback').checkVisibility()), false)
    assert.equal(await page.evaluate(() => document.querySelector('stile-item').shadowRoot.querySelector('.message')), null)
  })

  test(`${browser.name}: a page that forbids parsing shows an item without its body`, async t => {
    const w = await atlas(t, browser)
    const page = await w.open(`${w.script()}<stile-item item="on-islands"></stile-item>`, {csp: "require-trusted-types-for 'script'; trusted-types other"})
    await untilIn(w, page, 'stile-item', '.title:not(:has(.bone))')
    assert.deepEqual(await textsIn(page, 'stile-item', '.tag'), ['island', 'essay'])
    assert.deepEqual(await textsIn(page, 'stile-item', '.body p'), ['Continue reading on example.org'])
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: HTML in a title is shown as text, and a body contains only allowed elements`, async t => {
    const w = await atlas(t, browser)
    const title = '<img src=x onerror=alert(1)> & zebra'
    w.api.intercept = ({path}) => path.startsWith('/v1/items') ? {status: 200, type: 'application/json', body: JSON.stringify(path === '/v1/items'
      ? {data: [{id: 'a', collection: '', title, highlight: {title: '&lt;img src=x onerror=alert(1)&gt; &amp; <mark>zebra</mark>', summary: '<mark>z</mark><script>alert(1)</script>'}, summary: 'z'}], meta: {total: 1, next: null}}
      : {data: {id: 'a', collection: '', title, body: '<p onclick="alert(1)">a<script>alert(1)</script><a href="javascript:alert(1)">b</a><svg><a href="x">c</a></svg><iframe src="https://x.example"></iframe></p><h1>d</h1>'}, meta: {}})} : undefined
    const page = await w.open(`${w.script()}<stile-results query="zebra"></stile-results><stile-item item="a"></stile-item>`)
    await untilIn(w, page, 'stile-results', 'mark')
    await untilIn(w, page, 'stile-item', '.body p')
    const html = (element, selector) => page.evaluate((element, selector) => document.querySelector(element).shadowRoot.querySelector(selector).innerHTML, element, selector)
    assert.equal(await html('stile-results', '.title'), '<span part="select" class="select" role="button" tabindex="0">&lt;img src=x onerror=alert(1)&gt; &amp; <mark part="mark" class="mark">zebra</mark></span>')
    assert.deepEqual(await textsIn(page, 'stile-results', '.summary'), ['z<script>alert(1)</script>'])
    assert.deepEqual(await textsIn(page, 'stile-item', '.title'), [title])
    assert.equal(await html('stile-item', '.body'), '<p>a<a rel="nofollow noopener">b</a></p><h3>d</h3>')
  })

  test(`${browser.name}: S54: incomplete counts are shown as such, and a filter can still be removed`, async t => {
    const w = await atlas(t, browser)
    let complete = true
    w.api.intercept = ({path}) => path !== '/v1/items' ? undefined : {status: 200, type: 'application/json', body: JSON.stringify({
      data: [{id: 'a', collection: '', title: 'A'}],
      meta: {total: 2000, next: 'n', ...complete ? {facets: {tag: [{value: 'island', count: 7}]}} : {facets: {}, incomplete: ['total', 'facets']}},
    })}
    const page = await w.open(`${w.script()}<stile-results query="zebra" facets="tag,course" mode="more"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.facet input')
    assert.deepEqual(await textsIn(page, 'stile-results', '.count'), ['2,000 results for “zebra”'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.page'), ['Showing 1 of 2,000'])
    complete = false
    await page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.facet input').click())
    await w.untilTrue(async () => (await textsIn(page, 'stile-results', '.count'))[0] === 'At least 2,000 results for “zebra”', 'the total to be a minimum')
    assert.deepEqual(await textsIn(page, 'stile-results', '.page'), [])
    assert.deepEqual(await textsIn(page, 'stile-results', '.facet-name'), ['island'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.facet-count'), [])
    const column = () => page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.facets').checkVisibility())
    assert.equal(await column(), true)
    await page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.facet input').click())
    await w.untilTrue(async () => !await column(), 'the facets to be hidden, without anything to choose from')
    complete = true
    await page.evaluate(() => document.querySelector('stile-results').query = 'another')
    await w.untilTrue(async () => await column(), 'the facets to be shown again')
    assert.deepEqual(await textsIn(page, 'stile-results', '.facet-name'), ['island'])
    assert.deepEqual(w.watch.of(/uncaught|unhandled/), [])
  })

  test(`${browser.name}: the buttons scroll a carousel, also from right to left`, async t => {
    const w = await atlas(t, browser)
    for (const dir of ['ltr', 'rtl']) {
      const page = await w.open(`<script>document.documentElement.dir = '${dir}'</script>${w.script()}<stile-list tag="island" layout="carousel" label="Islands"></stile-list>`)
      await untilIn(w, page, 'stile-list', '.card a')
      // Not supported by Firefox.
      await page.emulateMediaFeatures?.([{name: 'prefers-reduced-motion', value: 'reduce'}]).catch(() => {})
      await untilIn(w, page, 'stile-list', '.on[aria-disabled=false]')
      const row = () => page.evaluate(() => {
        const root = document.querySelector('stile-list').shadowRoot
        return {at: Math.round(root.querySelector('ul').scrollLeft), back: root.querySelector('.back').ariaDisabled, on: root.querySelector('.on').ariaDisabled}
      })
      assert.deepEqual(await row(), {at: 0, back: 'true', on: 'false'})
      await focusIn(page, 'stile-list', '.on')
      await page.keyboard.press('Enter')
      await w.untilTrue(async () => (await row()).back === 'false', 'the row to move')
      assert.equal(Math.sign((await row()).at), dir === 'rtl' ? -1 : 1)
      assert.equal(await focused(page), 'control on', 'the focus stays on the button')
      await page.close()
    }
  })
}
