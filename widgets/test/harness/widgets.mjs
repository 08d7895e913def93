/** The four elements on a page, and their visible content. */

/** All four elements, with the recipes of the harness. */
export const fourWidgets = `
  <stile-search for="r" label="Find a recipe"></stile-search>
  <stile-results id="r" query="cake" facets="tag,course"><a href="https://publisher.example/">Browse</a></stile-results>
  <stile-list collection="recipes"></stile-list>
  <stile-item item="plum-cake" related></stile-item>`

/** The three elements that load content automatically, and a text that each then shows. */
export const loaded = {'stile-results': 'Plum cake', 'stile-list': 'Onion soup', 'stile-item': 'Take plums'}

/** Returns the visible text in an element's shadow tree. */
export function shownText(page, selector) {
  return page.evaluate(selector => {
    const root = document.querySelector(selector)?.shadowRoot
    return root ? [...root.children].map(child => child.innerText ?? '').join('\n').trim() : ''
  }, selector)
}

/** Waits until the element shows the text. */
export function untilShown(w, page, selector, text) {
  return w.untilTrue(async () => (await shownText(page, selector)).includes(text), `${selector} to show ${text}`)
}

/** Waits until those three show their content. */
export async function untilAllShown(w, page) {
  for (const [selector, text] of Object.entries(loaded)) await untilShown(w, page, selector, text)
}

/** Replaces the text of a search box, as a visitor does. */
export async function type(page, text) {
  await page.evaluate(() => document.querySelector('stile-search').shadowRoot.querySelector('input').select())
  await page.keyboard.type(text)
}

/** Returns the suggestions that are shown. */
export function suggestions(page) {
  return page.evaluate(() => [...document.querySelector('stile-search').shadowRoot.querySelectorAll('[role=option]')].map(o => o.innerText.trim()))
}
