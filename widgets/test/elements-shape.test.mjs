/** What a page shapes: own cards, labels, sorting, ranges, results while typing, and notices. */
import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {test} from 'node:test'
import {focusIn, textsIn, typeFast, untilIn} from './elements.mjs'
import {browsers, events, harness, recipes, strict} from './harness.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Makes the server's responses to calls for items have these members of `meta`, too. */
function addMeta(w, metaOf) {
  w.api.intercept = async request => {
    if (!request.path.startsWith('/v1/items')) return undefined
    const answer = await (await fetch(w.server.url + request.path, {method: 'POST', body: request.form})).json()
    return {status: 200, type: 'application/json', body: JSON.stringify(answer.error ? answer : {...answer, meta: {...answer.meta, ...metaOf(request.form)}})}
  }
}

/** The parameters of a name in the calls for items, one entry for each call. */
const asked = (w, name) => w.api.calls('/v1/items').map(({form}) => form.get(name))

const ranges = {minutes: {min: 5, max: 1500}, published_at: {min: '2025-05-05', max: '2026-10-03'}}
const labels = {facets: {course: 'Course of a meal'}, collections: {recipes: 'Our recipes'}, values: {course: {starter: 'Starters', dessert: 'Desserts'}}}

const template = `<template><article class="own"><img data-field="image"><h3><a data-field="link"></a></h3>
  <p class="summary" data-field="summary"></p><b data-if="attributes.minutes"><span class="minutes" data-field="attributes.minutes"></span> min</b>
  <i data-if="!attributes.minutes">no time</i><time data-field="published_at"></time><span class="tags" data-field="tags"></span></article></template>`

/** The cards among an element's children that a slot shows, as their texts. */
const ownCards = (page, element = 'stile-results') => page.evaluate(element => [...document.querySelector(element).children]
  .filter(child => child.assignedSlot && child.matches('.stile-card') && child.getBoundingClientRect().height > 0)
  .map(child => child.innerText.replace(/\s+/g, ' ').trim()), element)

const untilOwn = async (w, page, count, element) => {
  await w.untilTrue(async () => (await ownCards(page, element)).length === count, `${count} own cards`)
  return ownCards(page, element)
}

for (const browser of browsers) {
  test(`${browser.name}: a template is the layout of the cards, with the page's styles, under the strictest policy`, async t => {
    const w = await harness(t, browser, {items: [...recipes, {id: 'odd', collection: 'guides', title: '<b>Bold</b> & more', url: 'https://publisher.example/odd', image: 'https://publisher.invalid/odd.svg', attributes: {constructor: 'x', minutes: 12345.5}}]})
    w.site.add('/own.css', '.own h3 { color: rgb(1, 2, 3) }')
    const page = await w.open(`${w.script()}<stile-results query="cake" link="/recipes/{id}"><template>
        <link rel="stylesheet" href="/own.css"><div class="own"><h3><a data-field="link"></a></h3><p data-field="summary"></p>
        <b data-if="attributes.minutes"><span data-field="attributes.minutes"></span> min</b>
        <i data-if="!image">no picture</i> <time data-field="published_at"></time>
        <script>document.title = 'stolen'</script><style>body { display: none }</style></div></template></stile-results>`,
      {csp: strict(w.api.origin) + "; style-src 'self'"})
    const cards = await untilOwn(w, page, 2)
    assert.deepEqual(cards.toSorted(), ['Apple cake From the orchard. 70 min no picture October 3, 2026', 'Plum cake A cake for the end of summer. 50 min no picture September 1, 2026'])
    await w.until(page, () => getComputedStyle(document.querySelector('.stile-card h3')).color === 'rgb(1, 2, 3)')
    assert.deepEqual(await page.evaluate(() => {
      const [card] = [...document.querySelectorAll('.stile-card')].filter(card => card.textContent.includes('Plum'))
      return [card.querySelector('a').getAttribute('href'), card.querySelector('time').dateTime, [...card.querySelectorAll('mark')].map(mark => mark.textContent).join(), card.querySelectorAll('script,style').length, document.title]
    }), [`${w.site.origin}/recipes/plum-cake`, '2026-09-01T00:00:00Z', 'cake,cake', 0, 'A page'])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: fields are text, and only web addresses become links and pictures`, async t => {
    const w = await harness(t, browser, {items: [{id: 'odd', collection: 'guides', title: '<img src=x onerror=alert(1)>', tags: ['a', 'b'], attributes: {constructor: 'x', big: 12345.5, day: '2026-01-31', source: 'https://publisher.example/s', bad: 'javascript:alert(1)'}}]})
    const field = (tag, name) => `<${tag} class="f" data-field="${name}"></${tag}>`
    const page = await w.open(`${w.script()}<stile-list><template>${field('p', 'title')}${field('p', 'tags')}${field('p', 'attributes.big')}${field('p', 'attributes.day')}${field('p', 'attributes.toString')}
      ${field('a', 'attributes.source')}${field('a', 'attributes.bad')}${field('a', 'url')}${field('img', 'attributes.bad')}${field('p', 'titel')}</template></stile-list>`)
    await untilOwn(w, page, 1, 'stile-list')
    assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.stile-card .f')].map(node => [node.localName, node.textContent, node.getAttribute('href')])), [
      ['p', '<img src=x onerror=alert(1)>', null], ['p', 'a, b', null], ['p', '12,345.5', null], ['p', 'January 31, 2026', null], ['p', '', null],
      ['a', '<img src=x onerror=alert(1)>', 'https://publisher.example/s'], ['a', 'javascript:alert(1)', null], ['a', '<img src=x onerror=alert(1)>', null], ['p', '', null],
    ])
    await w.untilTrue(() => w.watch.complaints.length, 'the message about the unknown field')
    assert.equal(w.watch.complaints.length, 1, 'the unknown field is reported once')
    assert.match(w.watch.complaints[0], /\[stile\] .*"titel" must be one of id, .*\/problems\/bad_request/)
  })

  test(`S62 ${browser.name}: scripts in a template do not run, also not in shadow roots or under strict-dynamic`, async t => {
    const w = await harness(t, browser)
    const script = name => `<script>document.documentElement.dataset.${name} = 1</script><script src="data:text/javascript,document.documentElement.dataset.${name} = 1"></script>`
    const root = (name, mode) => `<div><template shadowrootmode="${mode}" shadowrootclonable>${script(name)}</template></div>`
    const page = await w.open(`${w.script({nonce: 'abc'})}<stile-list><template>${script('plain')}${root('open', 'open')}${root('closed', 'closed')}<svg>${script('svg')}</svg>
      <form><input name="attributes"><input name="childNodes"><p class="f" data-field="title"></p></form></template></stile-list>`, {csp: `default-src 'self'; script-src 'nonce-abc' 'strict-dynamic'; connect-src 'self' ${w.api.origin}; img-src *`})
    await w.until(page, () => document.querySelectorAll('.stile-card .f').length === 4)
    await page.evaluate(() => new Promise(resolve => setTimeout(resolve, 300)))
    assert.deepEqual(await page.evaluate(() => ({...document.documentElement.dataset})), {})
    assert.equal(await page.evaluate(() => document.querySelector('.stile-card div').shadowRoot), null)
  })

  test(`${browser.name}: own cards survive moves, other templates, cleared children and snapshots`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<div id="other"></div><stile-list collection="recipes">fallback${template}</stile-list>`)
    await untilOwn(w, page, 3, 'stile-list')
    const shown = () => page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelector('slot:not([name])').hidden)
    assert.equal(await shown(), true, 'the fallback is hidden')
    await page.evaluate(() => document.querySelector('#other').append(document.querySelector('stile-list')))
    await untilOwn(w, page, 3, 'stile-list')
    await page.evaluate(() => document.querySelector('stile-list template').content.querySelector('h3').append(' – own'))
    await w.untilTrue(async () => (await ownCards(page, 'stile-list')).every(text => text.includes('– own')), 'the changed template')
    await page.evaluate(() => {
      const list = document.querySelector('stile-list'), made = document.createElement('template'), title = document.createElement('b')
      title.dataset.field = 'title'
      made.append(title) // as frameworks do
      list.textContent = ''
      list.append(made)
    })
    await w.untilTrue(async () => (await ownCards(page, 'stile-list')).toSorted().join() === 'Apple cake,Onion soup,Plum cake', 'the second template')
    await page.evaluate(() => {
      const list = document.querySelector('stile-list')
      list.replaceWith(list.cloneNode(true))
    })
    await w.untilTrue(async () => await page.evaluate(() => document.querySelector('stile-list').shadowRoot.querySelectorAll('slot[name]').length) === 3, 'the copy')
    assert.equal(await page.evaluate(() => document.querySelectorAll('.stile-card').length), 3, 'cards of a snapshot are removed')
    await page.evaluate(() => document.querySelector('template')?.remove())
    await untilIn(w, page, 'stile-list', '.card .title :is(a, span:not(.bone))')
    assert.equal(await page.evaluate(() => document.querySelectorAll('.stile-card').length), 0)
    assert.equal(w.api.calls('/v1/items').length, 2, 'the element and its copy make one call each')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: own cards in more results and related items, and their links`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-results mode="more" page-size="2">${template}</stile-results><stile-item item="plum-cake" related link="#{id}"><template><a data-field="link"></a><button data-select>Open</button></template></stile-item>`)
    await untilOwn(w, page, 2)
    await focusIn(page, 'stile-results', '.more')
    await page.keyboard.press('Enter')
    assert.equal(new Set(await untilOwn(w, page, 4)).size, 4)
    await w.untilTrue(async () => (await ownCards(page, 'stile-item')).length > 0, 'related items')
    await page.evaluate(() => {
      document.querySelector('stile-item').addEventListener('stile:select', event => event.preventDefault())
      document.querySelector('stile-item .stile-card a').click()
      document.querySelector('stile-item .stile-card button').click()
    })
    const selected = (await events(page)).filter(({type}) => type === 'stile:select')
    assert.equal(selected.length, 2)
    assert.equal(await page.evaluate(() => location.hash), '')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: without a template or ranges no part is loaded, and a part that fails leaves the results usable`, async t => {
    const w = await harness(t, browser)
    addMeta(w, () => ({ranges}))
    const page = await w.open(`${w.script()}<stile-results facets="tag"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.count:not(:empty)')
    const parts = () => w.api.requests.filter(({path}) => /(template|controls)\.mjs/.test(path)).length
    assert.equal(parts(), 0)
    const whole = w.api.intercept
    w.api.intercept = request => /(template|controls)\.mjs/.test(request.path) ? {status: 500, type: 'text/plain', body: ''} : whole(request)
    // The clock stands still, because a part that failed is requested again after 10 s.
    const prepare = page => page.evaluateOnNewDocument(() => { performance.now = () => 0 })
    const other = await w.open(`${w.script()}<stile-results facets="tag" ranges="minutes">${template}</stile-results>`, {prepare})
    await untilIn(w, other, 'stile-results', '.card .title :is(a, span:not(.bone))')
    await untilIn(w, other, 'stile-results', '.facet input')
    await other.evaluate(() => Stile.get('/v1/items'))
    await other.evaluate(() => document.querySelector('stile-results').setAttribute('layout', 'grid'))
    await other.evaluate(() => Stile.get('/v1/items'))
    assert.ok(parts() <= 2, 'a part that failed is not requested continuously')
  })

  test(`${browser.name}: attributes on cards, with labels of the page, then of the publisher`, async t => {
    const w = await harness(t, browser)
    addMeta(w, form => form.get('labels') ? {labels} : {})
    const page = await w.open(`${w.script()}<stile-results query="cake" attributes="minutes,course,nothing" facets="course,collection" facet-labels="minutes: Time in min; collection: Kind"></stile-results>
      <stile-list card-attributes="course" collection="recipes" facet-labels='{"course": {"label": "When", "values": {"dessert": "At the end"}}}'></stile-list>`)
    await untilIn(w, page, 'stile-results', '.card .attributes')
    await untilIn(w, page, 'stile-list', '.card .attributes')
    assert.deepEqual((await textsIn(page, 'stile-results', '.card .attribute')).map(text => text.replace(/\s+/g, ' ')).toSorted(), ['Course of a meal Desserts', 'Course of a meal Desserts', 'Time in min 50', 'Time in min 70'])
    assert.deepEqual(new Set((await textsIn(page, 'stile-list', '.card .attribute')).map(text => text.replace(/\s+/g, ' '))), new Set(['When At the end', 'When Starters']))
    assert.deepEqual(new Set(await textsIn(page, 'stile-results', '.collection')), new Set(['Our recipes']))
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('legend')].map(node => node.textContent)), ['Course of a meal', 'Kind'])
    await page.evaluate(() => document.querySelector('stile-results').query = '')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelectorAll('.card').length === 4)
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('fieldset:first-child .facet-name')].map(node => node.textContent)), ['Starters', 'Desserts'], 'in the order of the labels')
    assert.equal(asked(w, 'labels').at(-1), null, 'the labels are requested until they are known')
    assert.equal(asked(w, 'labels')[0], 'en')
    assert.equal(w.api.calls('/v1/items').length, 3, 'labels that arrive cause no call')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').attributes instanceof NamedNodeMap), true)
    assert.deepEqual(w.watch.complaints, [])
    await page.evaluate(() => document.querySelector('stile-results').facetLabels = '{"course": ')
    await w.untilTrue(() => w.watch.complaints.length, 'the report')
    assert.match(w.watch.complaints.join(), /\[stile\] facet-labels: must be/)
  })

  test(`${browser.name}: the sort chooser by keyboard, in the URL and with paging`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-results collection="recipes" page-size="2" sort-by="newest,title" deep-link="query"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.next:enabled')
    await untilIn(w, page, 'stile-results', 'select')
    assert.deepEqual(await page.evaluate(() => {
      const select = document.querySelector('stile-results').shadowRoot.querySelector('select')
      return [select.labels[0].textContent, select.value, [...select.options].map(option => option.text)]
    }), ['Sort by', 'newest', ['Newest', 'Title']])
    await focusIn(page, 'stile-results', '.next')
    await page.keyboard.press('Enter')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.page').innerText.startsWith('Page 2'))
    await focusIn(page, 'stile-results', 'select')
    await page.keyboard.press('ArrowDown')
    await w.until(page, () => location.search === '?sort=title')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.card .title').innerText === 'Apple cake')
    assert.deepEqual(asked(w, 'sort'), ['newest', 'newest', 'title'])
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement?.localName), 'select', 'the focus stays')
    await page.goBack()
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('select').value === 'newest')
    await page.evaluate(() => document.querySelector('stile-results').setAttribute('sort-by', 'newest,titel,title'))
    await w.untilTrue(() => w.watch.complaints.some(line => line.includes('<stile-results sort-by="titel">: did you mean "title"?')), 'the report')
  })

  test(`${browser.name}: range facets by keyboard, in the URL, and invalid ones`, async t => {
    const w = await harness(t, browser)
    addMeta(w, () => ({ranges}))
    const page = await w.open(`${w.script()}<stile-results facets="tag" ranges="minutes,published_at,nothing" deep-link="query" facet-labels="minutes: Minutes"></stile-results>`, {prepare: page => page.setViewport({width: 1100, height: 900})})
    await untilIn(w, page, 'stile-results', '.range')
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('.range')].map(group => [
      group.querySelector('legend').textContent, group.querySelector('.range-hint').textContent,
      ...[...group.querySelectorAll('input')].map(input => [input.type, input.labels[0].innerText.trim(), input.min, input.max].join('|'))])), [
      ['Minutes', '5 – 1500', 'number|From|5|1500', 'number|To|5|1500'],
      ['Date', 'May 5, 2025 – October 3, 2026', 'date|From|2025-05-05|2026-10-03', 'date|To|2025-05-05|2026-10-03']])
    assert.equal(asked(w, 'ranges')[0], 'minutes,published_at,nothing')
    await focusIn(page, 'stile-results', '.range input[name=min]')
    await page.keyboard.type('60')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.search === '?min.minutes=60')
    await w.untilTrue(() => asked(w, 'min.minutes').at(-1) === '60', 'the call')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement?.name), 'min', 'the focus stays')
    const before = w.api.calls('/v1/items').length
    await page.keyboard.press('Tab')
    await page.keyboard.type('20')
    await page.keyboard.press('Tab')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.range-note').textContent === 'The start must not come after the end.')
    assert.equal(w.api.calls('/v1/items').length, before, 'an invalid range makes no call')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.querySelector('.range input').getAttribute('aria-invalid')), 'true')
    await focusIn(page, 'stile-results', '.range input[name=max]')
    await page.keyboard.type('0')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.search === '?min.minutes=60&max.minutes=200')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.badge')?.textContent === '1')
    await page.reload()
    await untilIn(w, page, 'stile-results', '.range')
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('.range:first-child input')].map(input => input.value)), ['60', '200'])
    await focusIn(page, 'stile-results', '.range-clear')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.search === '')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results').shadowRoot.activeElement?.name), 'min')
    await page.goBack()
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.range input').value === '60')
    assert.deepEqual(w.watch.complaints, [])
    await page.goto(`${w.site.origin}/page.html?min.minutes=abc&max.minutes=200&max.minutes=5`)
    await untilIn(w, page, 'stile-results', '.range')
    assert.deepEqual([asked(w, 'min.minutes').at(-1), w.api.calls('/v1/items').at(-1).form.getAll('max.minutes')], [null, ['200']], 'what a URL has wrong is left out')
  })

  test(`${browser.name}: live results follow the typing with few calls and one entry of the history`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search></stile-search><stile-results live deep-link="query"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.count:not(:empty)')
    // The clock stands still, because a slow machine would pause between the two searches.
    await page.evaluate(() => { performance.now = () => 0 })
    const length = await page.evaluate(() => history.length)
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('p')
    await typeFast(page, 'lum')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText === '1 result for “plum”')
    await typeFast(page, ' cake')
    await w.until(page, () => location.search === '?q=plum+cake')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText.endsWith('“plum cake”'))
    assert.deepEqual(asked(w, 'q'), [null, 'plum', 'plum cake'], 'a call for each pause')
    assert.equal(w.api.calls('/v1/suggest').length, 0, 'suggestions would cover the results')
    assert.equal(await page.evaluate(() => history.length), length + 1)
    assert.equal(await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').value), 'plum cake')
    await page.goBack()
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelectorAll('.card').length === 4)
    assert.equal(await page.evaluate(() => location.search), '')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: live results keep the old ones, and abort the call for what is no longer typed`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<stile-search></stile-search><stile-results live></stile-results>`)
    await untilIn(w, page, 'stile-results', '.count:not(:empty)')
    let release
    w.api.intercept = request => request.form.get('q') === 'on' ? new Promise(resolve => release = () => resolve(undefined)) : undefined
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('on')
    await w.untilTrue(() => release, 'the first call')
    assert.equal((await textsIn(page, 'stile-results', '.card .title')).length, 4)
    await typeFast(page, 'ion')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText === '1 result for “onion”')
    release()
    await page.keyboard.press('Backspace')
    await w.until(page, () => document.querySelector('stile-results').getAttribute('query') === 'onio')
    assert.deepEqual(asked(w, 'q').slice(0, 3), [null, 'on', 'onion'])
  })

  test(`${browser.name}: notices of corrected, relaxed and ignored words`, async t => {
    const w = await harness(t, browser)
    addMeta(w, form => form.get('q') === 'plumm' && !form.get('exact') ? {corrected: [['plumm', 'plum']], total: 1} : form.get('q') === 'plum soup' ? {relaxed: true, full: 0, ignored: ['the', 'of']} : {})
    const page = await w.open(`${w.script()}<stile-results query="plumm" deep-link="hash"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.corrected')
    assert.deepEqual(await textsIn(page, 'stile-results', '.notice'), ['Showing results for plum. Search instead for plumm'])
    assert.deepEqual(await page.evaluate(() => [document.querySelector('stile-results').shadowRoot.querySelector('.notice').getAttribute('role'), document.querySelector('stile-results').shadowRoot.querySelector('.notice b').innerText]), ['status', 'plum'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.count'), ['1 result for “plum”'])
    await focusIn(page, 'stile-results', '.exact')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.hash === '#exact=1')
    await untilIn(w, page, 'stile-results', '.message')
    assert.deepEqual(asked(w, 'exact'), [null, '1'])
    await page.reload()
    await untilIn(w, page, 'stile-results', '.message')
    assert.equal(asked(w, 'exact').at(-1), '1')
    await page.evaluate(() => document.querySelector('stile-results').query = 'plum soup')
    await untilIn(w, page, 'stile-results', '.relaxed')
    assert.deepEqual((await textsIn(page, 'stile-results', '.notice p')), ['No item matches all words. These match some of them.', 'Not used: the, of'])
    assert.equal(asked(w, 'exact').at(-1), null, 'another query is corrected again')
    assert.equal(await page.evaluate(() => location.hash), '#q=plum+soup')
  })

  test(`${browser.name}: facets stay right with incomplete counts and labels`, async t => {
    const w = await harness(t, browser)
    addMeta(w, () => ({labels, facets: {course: [{value: 'dessert', count: 1200}, {value: 'other', count: 3}]}, total: 2000, incomplete: ['total', 'facets'], ranges}))
    const page = await w.open(`${w.script()}<stile-results facets="course" ranges="minutes"></stile-results>`)
    await untilIn(w, page, 'stile-results', '.range')
    assert.deepEqual((await textsIn(page, 'stile-results', '.facet')).map(text => text.replace(/\s+/g, ' ')).concat(await textsIn(page, 'stile-results', '.count')), ['Desserts 1,200', 'other 3', 'At least 2,000 results'])
    addMeta(w, () => ({labels, facets: {}, total: 2000, incomplete: ['total', 'facets'], ranges}))
    await focusIn(page, 'stile-results', '.facet input')
    await page.keyboard.press(' ')
    await w.untilTrue(() => asked(w, 'attribute.course').at(-1) === 'dessert', 'the call')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelectorAll('.facet').length === 1)
    assert.deepEqual(await textsIn(page, 'stile-results', '.facet'), ['Desserts'], 'a chosen value that was not counted stays')
  })

  for (const theme of ['light', 'dark'])
    test(`${browser.name}: axe-core finds nothing in the new controls, ${theme}`, async t => {
      const w = await harness(t, browser)
      addMeta(w, () => ({ranges, labels, corrected: [['plumm', 'plum']], relaxed: true, full: 1, ignored: ['the']}))
      const page = await w.open(`<script>${axe}</script>${w.script({'data-theme': theme})}<main><h1>Recipes</h1><stile-search label="Find"></stile-search>
        <stile-results query="cake" facets="course" ranges="minutes,published_at" sort-by="relevance,title" attributes="minutes,course" link="#{id}"></stile-results>
        <stile-list collection="recipes" link="#{id}" heading-level="2"><template><h2><a data-field="link"></a></h2><img data-field="image"><p data-field="summary"></p></template></stile-list></main>`, {
        head: `<meta name="viewport" content="width=device-width"><style>html{color-scheme:${theme};background:Canvas;color:CanvasText}</style>`, prepare: page => page.setViewport({width: 1100, height: 900}),
      })
      await untilIn(w, page, 'stile-results', '.range')
      await untilIn(w, page, 'stile-results', '.exact')
      await untilOwn(w, page, 3, 'stile-list')
      await page.evaluate(() => {
        const root = document.querySelector('stile-results').shadowRoot
        for (const [i, input] of [...root.querySelectorAll('.range:first-child input')].entries()) input.value = 9 - i
        root.querySelector('.range input').dispatchEvent(new Event('change'))
      })
      await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.range-note').textContent)
      const faults = async () => (await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}))).violations.map(({id, nodes}) => `${id}: ${nodes.map(node => node.target.flat().join(' ')).join('; ')}`)
      assert.deepEqual(await faults(), [])
      await page.setViewport({width: 375, height: 900})
      await focusIn(page, 'stile-results', '.disclose')
      await page.keyboard.press('Enter')
      assert.deepEqual(await faults(), [], 'narrow')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing is wider than the page')
      assert.deepEqual(w.watch.complaints, [])
    })
}
