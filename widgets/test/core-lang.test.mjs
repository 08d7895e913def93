/** The language of each element: the nearest `lang` around it, as the page changes it. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {browsers, harness} from './harness.mjs'
import {shownText, untilShown} from './harness/widgets.mjs'

const submit = selector => document.querySelector(selector).shadowRoot?.querySelector('[type=submit]')?.textContent

/** Runs in the page: puts an element into two shadow roots, the outer one's host in French. */
function nest() {
  const outer = document.body.appendChild(document.createElement('div'))
  const root = outer.attachShadow({mode: 'open'})
  const middle = root.appendChild(document.createElement('div'))
  outer.lang = 'fr'
  globalThis.outer = outer
  globalThis.middle = middle
  globalThis.nested = middle.attachShadow({mode: 'open'}).appendChild(document.createElement('stile-search'))
}

for (const browser of browsers) {
  test(`${browser.name}: elements have the nearest lang, and numbers and dates are in it`, async t => {
    const w = await harness(t, browser, {items: [{id: 'a', collection: 'c', title: 'A', published_at: '2026-09-01T00:00:00Z', attributes: {area: 12345.5}}]})
    const page = await w.open(`${w.script()}<div lang="fr"><stile-search for="r"></stile-search><stile-results id="r" collection="nothing-in-it"></stile-results></div>
      <form lang="de_AT"><input name="parentNode"><input name="getAttribute"><stile-item item="a"></stile-item></form>
      <stile-list lang="en-GB" collection="c"></stile-list>`)
    await untilShown(w, page, 'stile-results', 'Aucun résultat')
    await untilShown(w, page, 'stile-item', '1. September 2026')
    assert.match(await shownText(page, 'stile-item'), /12.345,5/)
    await untilShown(w, page, 'stile-list', '1 September 2026')
    assert.equal(await page.evaluate(submit, 'stile-search'), 'Rechercher')
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: a change of lang on any ancestor takes effect, without a call`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<main><stile-search></stile-search><stile-results collection="recipes"></stile-results><stile-list collection="no"></stile-list></main>`)
    await untilShown(w, page, 'stile-results', '3 results')
    await untilShown(w, page, 'stile-list', 'No results')
    await page.evaluate(nest)
    await w.until(page, () => nested.shadowRoot?.querySelector('[type=submit]')?.textContent === 'Rechercher')
    const calls = w.api.calls('/v1/items').length
    await page.evaluate(() => { document.querySelector('main').lang = 'de-AT-1996' })
    await untilShown(w, page, 'stile-results', '3 Treffer')
    await untilShown(w, page, 'stile-list', 'Keine Treffer')
    await page.evaluate(() => { document.documentElement.lang = 'ja'; middle.lang = 'es_ES' })
    await w.until(page, () => nested.shadowRoot.querySelector('[type=submit]').textContent === 'Buscar')
    assert.equal(await page.evaluate(submit, 'stile-search'), 'Suchen', 'the nearest still counts')
    await page.evaluate(() => document.querySelector('main').removeAttribute('lang'))
    await w.until(page, () => document.querySelector('stile-search').shadowRoot.querySelector('[type=submit]').textContent === '検索')
    await page.evaluate(() => Stile.configure({lang: 'fr'}))
    await w.until(page, () => document.querySelector('stile-search').shadowRoot.querySelector('[type=submit]').textContent === 'Rechercher')
    assert.equal(w.api.calls('/v1/items').length, calls)
    assert.deepEqual(w.watch.complaints, [])
  })

  test(`${browser.name}: messages of errors change their language too`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<main><stile-item item="no-such-item"></stile-item></main>`)
    await untilShown(w, page, 'stile-item', 'Code not_found')
    await page.evaluate(() => { document.querySelector('main').lang = 'fr' })
    await w.until(page, () => /Ce contenu n’est plus disponible/.test(document.querySelector('stile-item').shadowRoot.textContent))
  })

  test(`${browser.name}: a lang in any spelling is understood, and one that the layer lacks is passed over`, async t => {
    const w = await harness(t, browser)
    const page = await w.open(`${w.script()}<main lang="es"><p><stile-search></stile-search></p></main>`)
    for (const [lang, text] of [['de', 'Suchen'], ['it', 'Buscar'], ['fr_FR.UTF-8', 'Rechercher'], ['', 'Buscar'], ['DE-at', 'Suchen'], ['german', 'Buscar'], ['ja-1996', '検索'], ['deu', 'Buscar'], [' de-x-any ', 'Suchen'], ['es-419', 'Buscar']]) {
      await page.evaluate(lang => { document.querySelector('p').lang = lang }, lang)
      await w.until(page, text => document.querySelector('stile-search').shadowRoot?.querySelector('[type=submit]')?.textContent === text, text)
    }
  })
}
