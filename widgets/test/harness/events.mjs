/** The layer's events on a page, as they were raised. */
const names = ['token-invalid', 'token-renewed', 'token-failed', 'challenge', 'challenge-solved', 'blocked', 'error', 'load', 'select']

/** Makes a page note the layer's events from its beginning. */
export async function noteEvents(page) {
  await page.evaluateOnNewDocument(note, names)
}

/** The events until now: [{type, target, detail}], detail without what can't be copied; target is a tag's name, or "document". */
export function events(page, type = '') {
  return page.evaluate(type => globalThis[Symbol.for('stile-test-events')].filter(e => e.type.startsWith(type)), type)
}

/** Runs in the page. The notes hang on a symbol, so that they are no global with a name. */
function note(names) {
  const notes = []
  Object.defineProperty(globalThis, Symbol.for('stile-test-events'), {value: notes})
  const copy = detail => detail && Object.fromEntries(Object.entries(detail).filter(([, v]) => typeof v !== 'function' && !(v instanceof EventTarget) && !(v instanceof Event)))
  for (const name of names)
    document.addEventListener(`stile:${name}`, e => notes.push({
      type: e.type, target: e.target === document ? 'document' : e.target.localName, detail: JSON.parse(JSON.stringify(copy(e.detail) ?? null)),
    }), true)
}
