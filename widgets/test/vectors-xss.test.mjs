/**
 * S21: the elements show public vectors for stored cross-site scripting as content, in Chromium.
 */
import assert from 'node:assert/strict'
import {before, test} from 'node:test'
import {chromium, harness} from './harness.mjs'
import {Trap} from './harness/trap.mjs'
import {vectors} from './harness/vectors.mjs'

const endless = {STILE_POLICY_TOKEN_CALLS: 1_000_000, STILE_POLICY_TOKEN_RECORDS: 100_000_000}
const batch = 24 // vectors on a page
const batches = Array.from({length: Math.ceil(vectors.length / batch)}, (_, k) => k)

/**
 * Returns an item with the vector in every text field. Eight items share a word, because there are
 * eight suggestions.
 */
const item = (vector, n) => ({
  id: `v${n}`, collection: `batch${Math.floor(n / batch)}`, title: `set${Math.floor(n / 8)} ${vector}`, summary: vector, body: vector,
  tags: [vector], attributes: {a: vector, [vector]: 'named'}, url: vector, image: vector,
})

/** Returns the item with the lengths, URLs and names that an import allows. */
function short(item) {
  const plain = text => text.replace(/[\s\p{C}]/gu, '').slice(0, 60)
  const address = `https://publisher.example/${plain(item.url).replaceAll('%', '%25')}`
  return {...item, title: item.title.slice(0, 490), summary: item.summary.slice(0, 1900), tags: [item.tags[0].slice(0, 120)],
    attributes: {a: item.attributes.a, [`n${plain(item.url)}`]: 'named'}, url: address, image: address}
}

/**
 * Runs in the page: shows an item for each vector and, for a collection, the other elements with
 * it. Resolves with the elements that get no response in time.
 */
async function show(texts, first, collection) {
  const main = document.querySelector('main')
  const make = (name, attributes) => {
    const element = document.createElement(name)
    for (const [k, v] of Object.entries(attributes)) element.setAttribute(k, v)
    return element
  }
  const asking = texts.map((_, n) => make('stile-item', {item: `v${first + n}`}))
  if (collection) asking.push(make('stile-list', {collection}), make('stile-results', {collection, facets: 'tag,a,collection', 'page-size': '50'}),
    ...texts.map(query => make('stile-results', {query, 'page-size': '1'})))
  const silent = texts.map((label, n) => make('stile-search', {label, placeholder: label, id: `s${n}`}))
  const done = new Set()
  const all = new Promise(resolve => {
    for (const type of ['stile:load', 'stile:error']) main.addEventListener(type, e => { done.add(e.target); if (asking.every(a => done.has(a))) resolve() })
  })
  main.replaceChildren(...asking, ...silent)
  const left = () => asking.filter(a => !done.has(a)).map(a => a.outerHTML)
  return Promise.race([all.then(() => []), new Promise(resolve => setTimeout(resolve, 60_000)).then(left)])
}

/**
 * Runs in the page: returns active markup in the shadow trees, and titles that are not readable.
 */
function look(first, count) {
  const faults = []
  const acts = 'script, iframe, frame, object, embed, form:not(:has([role=combobox])), style, link, meta, base, svg animate, svg set, math'
  for (const host of document.querySelectorAll('main > *'))
    for (const element of host.shadowRoot.querySelectorAll('*')) {
      if (element.matches(acts)) faults.push(`${host.localName} has ${element.outerHTML.slice(0, 120)}`)
      for (const {name, value} of element.attributes)
        if (/^on|^style$|^srcdoc$/.test(name) || /^(href|src|action|formaction|xlink:href)$/.test(name) && !/^(https?:|mailto:|#|$)/i.test(value)) faults.push(`${host.localName} has ${name}=${value}`)
    }
  for (let n = first; n < first + count; n++) {
    for (const host of document.querySelectorAll(`stile-item[item=v${n}], stile-results[collection]`)) {
      const shown = host.shadowRoot.textContent
      if (!shown.includes(`set${Math.floor(n / 8)}`)) faults.push(`v${n} is not shown by ${host.localName}: ${shown.slice(0, 80)}`)
    }
  }
  return faults
}

/** Types a word into a search box, and waits for its suggestions. */
async function suggest(w, page, word) {
  await page.evaluate(word => {
    const input = document.querySelector('stile-search').shadowRoot.querySelector('input')
    input.focus()
    input.value = word
    input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true}))
  }, word)
  await w.until(page, word => [...document.querySelector('stile-search').shadowRoot.querySelectorAll('[role=option]')].some(o => o.textContent.includes(word)), word)
}

/** Opens a page with the layer, a main element, and traps. */
async function trapped(w) {
  const page = await w.blank()
  const address = w.site.add('/trapped.html', `<!doctype html><title>Trapped</title>${w.script({'data-transport': 'form'})}<main></main>`)
  const trap = await Trap.set(page, w.site.origin, w.api.origin)
  await page.goto(address)
  await w.until(page, () => customElements.get('stile-item'))
  return {page, trap}
}

before(() => assert.ok(vectors.length >= 1146, `only ${vectors.length} vectors`))

test('S21: at least 100 of the unchanged vectors run, otherwise the tests below prove nothing', async t => {
  const w = await harness(t, chromium, {items: []})
  const page = await w.blank()
  const trap = await Trap.set(page, w.site.origin)
  await page.goto(w.site.add('/raw.html', '<!doctype html><title>Raw</title><main></main>'))
  for (const k of batches) {
    await page.evaluate(insertRaw, vectors.slice(k * batch, (k + 1) * batch), k * batch)
    await page.waitForNetworkIdle({idleTime: 100, concurrency: 2, timeout: 5000}).catch(() => 'one of them still sends requests')
    await pokeAll(page, '[...document.querySelectorAll("iframe")].map(frame => frame.contentDocument).filter(Boolean)')
  }
  t.diagnostic(`${trap.frames.size} of ${vectors.length} vectors ran`)
  assert.ok(trap.frames.size >= 100, `${trap.frames.size} of ${vectors.length} ran`)
})

/** Runs in the page: does what a visitor can do to all elements below root, except follow links. */
function poke(root) {
  const events = ['pointerover', 'mouseover', 'mouseenter', 'mousemove', 'mousedown', 'mouseup', 'focus', 'focusin', 'blur', 'keydown', 'keyup', 'wheel', 'scroll', 'toggle', 'dblclick', 'drag', 'drop', 'copy', 'paste', 'touchstart', 'animationend']
  for (const element of root.querySelectorAll('*')) for (const type of events) element.dispatchEvent(new Event(type, {bubbles: false}))
}

/** Interacts with all elements below the roots, which are an expression in the page. */
const pokeAll = (page, roots) => page.evaluate(`{ const poke = ${poke}; for (const root of ${roots}) poke(root) }`)
const shadows = '[...document.querySelectorAll("main > *")].map(host => host.shadowRoot)'

/**
 * Runs in the page: shows each vector in a frame of its own, written and as inner HTML. Frames that
 * do not load are ignored.
 */
async function insertRaw(texts, first) {
  document.querySelector('main').replaceChildren()
  const frames = texts.map((text, n) => {
    const frame = Object.assign(document.createElement('iframe'), {name: `v${first + n}`})
    frame.sandbox = 'allow-scripts allow-same-origin'
    document.querySelector('main').append(frame)
    const inside = frame.contentDocument
    const written = new Promise(resolve => frame.addEventListener('load', resolve, {once: true}))
    inside.open()
    inside.write(`<!doctype html><body><div id="inner"></div>${text}`)
    inside.close()
    const inner = inside.querySelector('#inner')
    if (inner) inner.innerHTML = text
    return written
  })
  const limit = new Promise(resolve => setTimeout(resolve, 3000))
  await Promise.race([Promise.all(frames), limit])
}

test('S21: none runs after import, in all four elements', {timeout: 1_200_000}, async t => {
  const w = await harness(t, chromium, {settings: endless, items: []})
  await w.server.import(vectors.map(item).map(short))
  const {page, trap} = await trapped(w)
  for (const k of batches) {
    const texts = vectors.slice(k * batch, (k + 1) * batch)
    assert.deepEqual(await page.evaluate(show, texts, k * batch, `batch${k}`), [], 'all get a response')
    for (let set = k * 3; set * 8 < Math.min(vectors.length, (k + 1) * batch); set++) await suggest(w, page, `set${set}`)
    assert.deepEqual(await page.evaluate(look, k * batch, texts.length), [])
    await pokeAll(page, shadows)
    assert.deepEqual(trap.sprung, [], `batch ${k}`)
  }
  await page.waitForNetworkIdle()
  assert.deepEqual(trap.sprung, [])
  t.diagnostic(`${vectors.length} vectors shown`)
})

test('S21: none runs if the server returns them unchanged', {timeout: 1_200_000}, async t => {
  const w = await harness(t, chromium, {settings: endless, items: []})
  w.api.intercept = call => {
    const n = /^\/v1\/items\/v(\d+)$/.exec(call.path)?.[1]
    return n && {status: 200, type: 'application/json', body: JSON.stringify({data: item(vectors[n], n), meta: {}})}
  }
  const {page, trap} = await trapped(w)
  for (const k of batches) {
    const texts = vectors.slice(k * batch, (k + 1) * batch)
    assert.deepEqual(await page.evaluate(show, texts, k * batch, ''), [], 'all get a response')
    assert.deepEqual(await page.evaluate(look, k * batch, texts.length), [])
    await pokeAll(page, shadows)
    assert.deepEqual(trap.sprung, [], `batch ${k}`)
  }
  await page.waitForNetworkIdle()
  assert.deepEqual(trap.sprung, [])
})
