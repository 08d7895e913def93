/** Helpers for tests of the elements: a corpus with pictures, and access to shadow roots. */
import {readFile} from 'node:fs/promises'
import {harness} from './harness.mjs'

const corpus = new URL('../../static/demo/corpus.jsonl', import.meta.url)

/** A body with every allowed element. */
export const rich = {
  id: 'on-islands', collection: 'guides', title: 'On islands, and why they are never alone', tags: ['island', 'essay'],
  summary: 'What makes a piece of land an island, who counts them, and what the sea between them carries.',
  body: `<p>An island is <em>land with water all around it</em>, and so is every continent. The difference is a <a href="https://example.org/convention">convention</a>.</p>
    <h2>Counting</h2><p>Nobody has counted them all:</p><ul><li>Sweden counts what is larger than 25 m².</li><li>Norway counts what has a name.</li></ul>
    <blockquote><p>No man is an island entire of itself.</p></blockquote>
    <h3>The largest</h3><table><thead><tr><th scope="col">Island</th><th scope="col">km²</th></tr></thead><tbody><tr><td>Greenland</td><td>2,166,086</td></tr><tr><td>New Guinea</td><td>785,753</td></tr></tbody></table>
    <p>See also <code>ISO 3166</code>.</p>`,
  attributes: {author: 'A. Navigator', first_edition: 1969, pages: 21450, reviewed: true, source: 'https://example.org/islands', languages: ['English', 'Dutch']},
  url: 'https://example.org/islands', published_at: '2026-03-14T00:00:00Z',
}

/** The countries of the demo, with pictures from the server under test, and the rich item. */
export async function atlas(t, browser, options = {}) {
  const w = await harness(t, browser, {...options, items: []})
  const lines = (await readFile(corpus, 'utf8')).trim().replaceAll('http://localhost:8080', w.api.origin).split('\n')
  await w.server.import([...lines.map(line => JSON.parse(line)), {...rich, image: `${w.api.origin}/demo/media/is.svg`}])
  return w
}

/** Waits until the shadow root of an element has a match for the selector. */
export function untilIn(w, page, element, selector) {
  return w.until(page, (element, selector) => Boolean(document.querySelector(element)?.shadowRoot?.querySelector(selector)), element, selector)
}

/** Waits until every visible picture is loaded. */
export function untilPictures(w, page) {
  return w.until(page, () => {
    const seen = box => box.top < innerHeight && box.left < innerWidth && box.right > 0
    return [...document.querySelectorAll('*')].flatMap(node => node.shadowRoot ? [...node.shadowRoot.querySelectorAll('img')] : [])
    .filter(image => seen(image.getBoundingClientRect())).every(image => image.complete)
  })
}

/** Returns the texts of the matches for the selector in an element's shadow root. */
export function textsIn(page, element, selector) {
  return page.evaluate((element, selector) => [...document.querySelector(element).shadowRoot.querySelectorAll(selector)].map(node => node.innerText.trim()), element, selector)
}

/**
 * Types into the search box, which has the focus. Its last character is the only input event, so
 * that a slow machine requests no suggestions for a part of the text.
 */
export async function typeAtOnce(page, text) {
  await page.evaluate(start => { document.querySelector('stile-search').shadowRoot.querySelector('input').value += start }, text.slice(0, -1))
  await page.keyboard.type(text.at(-1))
}

/**
 * Types into the search box, which has the focus, without the pauses that a slow machine adds: all
 * input events follow one another in one task of the page.
 */
export function typeFast(page, text) {
  return page.evaluate(text => {
    const box = document.querySelector('stile-search').shadowRoot.querySelector('input')
    for (const character of text) {
      box.value += character
      box.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true}))
    }
  }, text)
}

/** Focuses the match for the selector in an element's shadow root. */
export function focusIn(page, element, selector) {
  return page.evaluate((element, selector) => document.querySelector(element).shadowRoot.querySelector(selector).focus(), element, selector)
}

/** Returns the part or id of the node that has the focus, inside the element's shadow root. */
export function focused(page) {
  return page.evaluate(() => {
    const inside = document.activeElement?.shadowRoot?.activeElement
    return inside ? inside.getAttribute('part') ?? inside.id : document.activeElement?.localName
  })
}
