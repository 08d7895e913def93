/**
 * Every code block of docs/tenants.md, executed as it is printed. Only the publisher's server, the
 * tenant's port and its secret are replaced. A block that no test takes fails the last test.
 */
import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'
import {focusIn, textsIn, untilIn} from './elements.mjs'
import {browsers, harness} from './harness.mjs'
import {Snippets, replaceAll} from './harness/snippets.mjs'

const snippets = new Snippets('docs/tenants.md')
const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const publisher = 'https://api.example'

const script = w => w.script()
const pageOf = (body, head = '') => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Recipes</title>${head}</head><body>${body}</body></html>`

/** Waits until an element shows an item with this title. */
const shows = (w, page, title, element = 'stile-results') => w.until(page, (element, title) =>
  [...document.querySelector(element)?.shadowRoot?.querySelectorAll('[part~=title]') ?? []].some(node => node.textContent.includes(title)), element, title)

/**
 * Returns a free port that the kernel does not give to other programs meanwhile: it chooses from
 * 32768 on.
 */
async function freePort() {
  for (let n = 0; n < 10_000; n++) {
    const port = 20_000 + (process.pid + n) % 10_000, server = createServer()
    const isFree = await new Promise(resolve => server.once('error', () => resolve(false)).listen(port, () => resolve(true)))
    if (isFree) return new Promise(resolve => server.close(() => resolve(port)))
  }
  throw new Error('no free port')
}

/** Starts server.mjs of the guide in a folder of its own, with public/index.html. */
async function startGuide(t, code, html, secret) {
  const dir = await mkdtemp(join(tmpdir(), 'stile-guide-'))
  await mkdir(join(dir, 'public'))
  await symlink(modules, join(dir, 'node_modules'))
  await writeFile(join(dir, 'server.mjs'), code)
  await writeFile(join(dir, 'public', 'index.html'), html)
  const running = spawn(process.execPath, ['server.mjs'], {cwd: dir, env: {...process.env, STILE_SECRET: secret}, stdio: ['ignore', 'inherit', 'pipe']})
  let log = ''
  running.stderr.on('data', text => log += text)
  t.after(async () => {
    running.kill()
    await rm(dir, {recursive: true, force: true})
  })
  return () => log
}

for (const browser of browsers) {
  test(`${browser.name}: the five-minute guide works against http://localhost`, async t => {
    const w = await harness(t, browser)
    const port = await freePort(), site = `http://localhost:${port}`
    const {client_secret: secret} = await w.server.command('tenant', 'add', 'guide', '--site', site)
    const server = replaceAll(snippets.take('js', 'server.mjs'), {[publisher]: w.api.origin, "'acme'": "'guide'", '3000': String(port)})
    const html = replaceAll(snippets.take('html', '<script async'), {[publisher]: w.api.origin, '"acme"': '"guide"'})
    const log = await startGuide(t, server, pageOf(html), secret)
    await w.untilTrue(async () => (await fetch(site).catch(() => ({}))).ok, 'the tenant’s server')
    const page = await w.blank()
    await page.goto(site)
    await shows(w, page, 'Plum cake')
    assert.equal((await fetch(`${site}/stile/token`, {method: 'POST'})).status, 403, 'only pages of the site get a token')
    assert.deepEqual(w.watch.complaints, [])
    assert.equal(log(), '')
  })

  test(`${browser.name}: the module`, async t => {
    const w = await harness(t, browser)
    w.site.add('/app.mjs', replaceAll(snippets.take('js', 'import {Stile}'), {[publisher]: w.api.origin}))
    const page = await w.open('<script type="module" src="/app.mjs"></script><stile-list></stile-list>')
    await shows(w, page, 'Onion soup', 'stile-list')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: styles`, async t => {
    const w = await harness(t, browser)
    const css = snippets.take('css', '--stile-accent:') + snippets.take('css', '::part(title)')
    const page = await w.open(`${script(w)}<stile-results facets="tag"></stile-results><stile-list></stile-list>`, {head: `<style>${css}</style>`})
    await shows(w, page, 'Plum cake')
    await shows(w, page, 'Plum cake', 'stile-list')
    const looks = await page.evaluate(() => {
      const style = (element, part) => getComputedStyle(document.querySelector(element).shadowRoot.querySelector(`[part~=${part}]`))
      return {font: style('stile-results', 'title').fontFamily, upper: style('stile-list', 'title').textTransform, facets: style('stile-results', 'facets').display,
        accent: getComputedStyle(document.querySelector('stile-results')).getPropertyValue('--stile-accent').trim()}
    })
    assert.deepEqual(looks, {font: 'Helvetica, sans-serif', upper: 'uppercase', facets: 'none', accent: '#8a1c2e'})
  })

  test(`${browser.name}: the page of an item`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(script(w) + snippets.take('html', 'related heading-level="1"'))
    await shows(w, page, 'Plum cake', 'stile-item')
    await untilIn(w, page, 'stile-item', '.related .card')
    assert.deepEqual(await textsIn(page, 'stile-item', 'h1'), ['Plum cake'])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a box on every page`, async t => {
    const w = await harness(t, browser)
    const [every, results] = snippets.take('html', '<!-- on every page -->').split('<!-- on /search -->')
    w.site.add('/search', pageOf(script(w) + results))
    const page = await w.open(script(w) + every)
    await untilIn(w, page, 'stile-search', 'input')
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('plum')
    await page.keyboard.press('Enter')
    await w.untilTrue(() => page.url() === `${w.site.origin}/search?q=plum`, 'the page of the results')
    await shows(w, page, 'Plum cake')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: own cards`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(script(w) + snippets.take('html', '<article class="recipe">'))
    await w.until(page, () => document.querySelectorAll('.stile-card .recipe').length === 4)
    const cards = await page.evaluate(() => [...document.querySelectorAll('.stile-card')].map(card => [card.innerText.replace(/\s+/g, ' ').trim(), card.querySelector('a').getAttribute('href')]))
    assert.deepEqual(cards.find(([text]) => text.startsWith('Plum')), ['Plum cake A cake for the end of summer. 50 minutes September 1, 2026', `${w.site.origin}/recipes/plum-cake`])
    assert.deepEqual(cards.filter(([text]) => text.includes('Time unknown')).length, 1, 'data-if="!attributes.minutes"')
    assert.equal(await page.evaluate(() => document.querySelector('.stile-card img')), null, 'no item has a picture')
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.recipe')).display), 'grid', 'the page styles the cards')
    assert.equal(await page.evaluate(() => document.querySelector('stile-results > a').getBoundingClientRect().height), 0, 'the fallback is hidden')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: labels and order`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(script(w) + snippets.take('html', 'facet-labels="minutes: Minutes') + snippets.take('html', "facet-labels='{"))
    const plain = async (...where) => (await textsIn(page, ...where)).map(text => text.replace(/\s+/g, ' '))
    for (const element of ['stile-results', 'stile-list']) await untilIn(w, page, element, '.card .attributes')
    await untilIn(w, page, 'stile-results', 'legend')
    assert.ok((await plain('stile-results', '.attribute')).includes('Minutes 50'))
    assert.deepEqual(await plain('stile-results', 'legend'), ['Course', 'Collection'])
    assert.ok((await plain('stile-list', '.attribute')).includes('Served as Starters'))
    assert.ok((await plain('stile-list', '.attribute')).includes('Time in minutes 50'))
    assert.ok((await plain('stile-list', '.collection')).includes('Our recipes'))
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: the sort chooser and ranges`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(script(w) + snippets.take('html', 'sort-by="relevance,newest,title"'))
    await untilIn(w, page, 'stile-results', '.range')
    assert.deepEqual(await page.evaluate(() => [...document.querySelector('stile-results').shadowRoot.querySelectorAll('option')].map(option => option.value)), ['relevance', 'newest', 'title'])
    assert.deepEqual(await textsIn(page, 'stile-results', '.range legend'), ['Minutes', 'Date'])
    assert.deepEqual((await textsIn(page, 'stile-results', '.range-hint'))[0], '50 – 90')
    await focusIn(page, 'stile-results', '.range input[name=min]')
    await page.keyboard.type('60')
    await page.keyboard.press('Enter')
    await w.until(page, () => location.search === '?min.minutes=60')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelectorAll('.card').length === 2)
    await focusIn(page, 'stile-results', 'select')
    await page.keyboard.press('End')
    await w.until(page, () => location.search === '?sort=title&min.minutes=60')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: results while typing`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(script(w) + snippets.take('html', '<stile-results id="live" live>'))
    await untilIn(w, page, 'stile-results', '.count:not(:empty)')
    await focusIn(page, 'stile-search', 'input')
    await page.keyboard.type('pl')
    await new Promise(resolve => setTimeout(resolve, 600))
    assert.equal(w.api.calls('/v1/items').length, 1, 'two letters are fewer than min-chars')
    await page.keyboard.type('um')
    await w.until(page, () => document.querySelector('stile-results').shadowRoot.querySelector('.count').innerText === '1 result for “plum”')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: listeners`, async t => {
    const w = await harness(t, browser)
    const token = await w.issue()
    const own = snippets.take('js', "addEventListener('stile:token-invalid'")
    const code = [own, snippets.take('js', "addEventListener('stile:select'"), snippets.take('js', 'analytics.track')]
    const page = await w.open(`<script src="/own.js"></script>${w.script({'data-token-url': null})}<stile-list></stile-list><stile-item></stile-item>`, {
      prepare: async page => {
        w.site.add('/own.js', `globalThis.tracked = []; const analytics = {track: (...given) => tracked.push(given)};
          globalThis.fetch = (fetch => (url, options) => url === '/api/session/stile' ? Promise.resolve(Response.json({access_token: '${token}'})) : fetch(url, options))(fetch);
          ${code.join('\n')}`)
        return page
      },
    })
    await shows(w, page, 'Plum cake', 'stile-list')
    assert.deepEqual(await page.evaluate(() => tracked), [['stile', {total: 4}]])
    const before = page.url()
    await page.evaluate(() => [...document.querySelector('stile-list').shadowRoot.querySelectorAll('a')].find(a => a.textContent === 'Plum cake').click())
    await shows(w, page, 'Plum cake', 'stile-item')
    assert.equal(page.url(), before, 'the page stays')
  })

  test(`${browser.name}: the content security policies`, async t => {
    const w = await harness(t, browser)
    const csp = text => snippets.take('', text).replace('Content-Security-Policy:', '').replaceAll('API', w.api.origin).replaceAll(/\s+/g, ' ').trim()
    for (const [text, nonce, transport] of [["script-src API/widgets/; connect-src 'self' API", '', 'form'], ['script-src API/widgets/ API/v1/', '', 'jsonp'], ['strict-dynamic', 'abc123', 'jsonp']]) {
      const tag = w.script({'data-transport': transport, ...nonce && {nonce}})
      const page = await w.open(`${tag}<stile-list></stile-list>`, {csp: csp(text).replace('RANDOM', nonce)})
      await shows(w, page, 'Plum cake', 'stile-list')
      assert.deepEqual(w.watch.complaints, [], text)
    }
  })

  test(`${browser.name}: React renders the elements, and its listeners don't accumulate`, async t => {
    const w = await harness(t, browser)
    const component = replaceAll(snippets.take('jsx', 'export function Recipes'), {[publisher]: w.api.origin})
    w.site.add('/react.js', await bundle({
      'recipes.jsx': component,
      'main.jsx': `import {createRoot} from 'react-dom/client'; import {StrictMode} from 'react'; import {Recipes} from './recipes.jsx';
        const root = createRoot(document.getElementById('root'));
        globalThis.loads = 0; globalThis.draw = query => root.render(<StrictMode><Recipes query={query} onLoad={() => loads++} /></StrictMode>);
        globalThis.remove = () => root.unmount(); draw('')`,
    }))
    const page = await w.open('<div id="root"></div><script src="/react.js"></script>', {prepare: page => page.evaluateOnNewDocument(countListeners)})
    await shows(w, page, 'Plum cake')
    for (const query of ['soup', 'cake', 'soup', 'cake', 'onion']) await page.evaluate(query => draw(query), query)
    await w.until(page, () => document.querySelector('stile-results').query === 'onion' && document.querySelector('stile-results').shadowRoot.querySelector('.content').ariaBusy === 'false')
    assert.deepEqual(await textsIn(page, 'stile-results', '.title'), ['Onion soup'])
    assert.equal(await page.evaluate(() => listening), 1)
    assert.equal(await page.evaluate(() => document.querySelectorAll('script[data-client-id]').length), 1)
    const before = await page.evaluate(() => loads)
    await page.evaluate(() => document.querySelector('stile-results').setAttribute('query', 'apple'))
    await w.until(page, before => loads === before + 1, before)
    await page.evaluate(() => remove())
    await w.until(page, () => listening === 0)
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: Vue renders the elements, and passes properties and events`, async t => {
    const w = await harness(t, browser)
    const options = new Function('vue', `return ${snippets.take('js', 'isCustomElement')}`)(given => given)
    const template = snippets.take('html', ':query="words"')
    w.site.add('/vue.js', await bundle({
      'main.jsx': `import {createApp} from 'vue/dist/vue.esm-bundler.js'; globalThis.loads = 0;
        const app = createApp({template: ${JSON.stringify(template)}, data: () => ({words: 'cake'}), methods: {onLoad: () => loads++}});
        app.config.compilerOptions.isCustomElement = ${options.template.compilerOptions.isCustomElement};
        globalThis.vm = app.mount('#root'); globalThis.remove = () => app.unmount()`,
    }))
    const page = await w.open(`${script(w)}<div id="root"></div><script src="/vue.js"></script>`, {prepare: page => page.evaluateOnNewDocument(countListeners)})
    await shows(w, page, 'Plum cake')
    await w.until(page, () => loads === 1)
    await page.evaluate(() => { vm.words = 'soup' })
    await shows(w, page, 'Onion soup')
    assert.equal(await page.evaluate(() => listening), 1)
    await page.evaluate(() => remove())
    assert.equal(await page.evaluate(() => document.querySelector('stile-results')), null)
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: Stile.get`, async t => {
    const w = await harness(t, browser)
    const code = snippets.take('js', "await Stile.get('/v1/items', {q")
    const page = await w.open(`${script(w)}<script type="module">await new Promise(resolve => addEventListener('load', resolve)); ${code}; globalThis.found = data.map(item => item.id)</script>`)
    await w.until(page, () => globalThis.found)
    assert.deepEqual(await page.evaluate(() => found), ['plum-cake'])
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: Stile.get before and after the layer is ready`, async t => {
    const w = await harness(t, browser)
    const code = snippets.take('js', 'const start = async Stile')
    const log = '<script>globalThis.logged = []; console.log = data => logged.push(data.length)</script>'
    const page = await w.open(`${log}<script>${code}</script>${script(w)}<script type="module">await new Promise(resolve => addEventListener('load', resolve)); ${code}</script>`)
    await w.until(page, () => globalThis.logged?.length === 2)
    assert.deepEqual(await page.evaluate(() => logged), [4, 4])
    assert.deepEqual(w.watch.complaints, [])
  })
}

/** Runs in the page: counts the listeners for stile:load in `listening`. */
function countListeners() {
  const {addEventListener: add, removeEventListener: remove} = EventTarget.prototype
  globalThis.listening = 0
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'stile:load' && this.localName === 'stile-results') listening++
    return add.call(this, type, ...rest)
  }
  EventTarget.prototype.removeEventListener = function (type, ...rest) {
    if (type === 'stile:load' && this.localName === 'stile-results') listening--
    return remove.call(this, type, ...rest)
  }
}

/** Bundles files for a page. main.jsx is the entry. */
async function bundle(files) {
  const dir = await mkdtemp(join(tmpdir(), 'stile-bundle-'))
  try {
    await symlink(modules, join(dir, 'node_modules'))
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
    const {outputFiles} = await build({entryPoints: [join(dir, 'main.jsx')], bundle: true, write: false, jsx: 'automatic', format: 'iife', preserveSymlinks: true,
      define: {'process.env.NODE_ENV': '"development"', '__VUE_OPTIONS_API__': 'true', '__VUE_PROD_DEVTOOLS__': 'false', '__VUE_PROD_HYDRATION_MISMATCH_DETAILS__': 'false'}})
    return outputFiles[0].text
  } finally {
    await rm(dir, {recursive: true, force: true})
  }
}

test('no code block of the document is left', () => assert.deepEqual(snippets.left, []))
