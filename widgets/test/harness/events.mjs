/** The layer's events on a page, in order. */
const names = ['token-invalid', 'token-renewed', 'token-failed', 'challenge', 'challenge-solved', 'blocked', 'error', 'load', 'select']

/** Makes a page record the layer's events from its start. */
export async function noteEvents(page) {
  await page.evaluateOnNewDocument(note, names)
}

/**
 * Returns the events so far: [{type, target, detail}]. detail lacks members that can't be cloned.
 * target is the name of a tag, or "document".
 */
export function events(page, type = '') {
  return page.evaluate(type => globalThis[Symbol.for('stile-test-events')].filter(e => e.type.startsWith(type)), type)
}

/** Runs in the page. The events are stored under a symbol, not as a named global. */
function note(names) {
  const notes = []
  Object.defineProperty(globalThis, Symbol.for('stile-test-events'), {value: notes})
  const copy = detail => detail && Object.fromEntries(Object.entries(detail).filter(([, v]) => typeof v !== 'function' && !(v instanceof EventTarget) && !(v instanceof Event)))
  for (const name of names)
    document.addEventListener(`stile:${name}`, e => notes.push({
      type: e.type, target: e.target === document ? 'document' : e.target.localName, detail: JSON.parse(JSON.stringify(copy(e.detail) ?? null)),
    }), true)
}
