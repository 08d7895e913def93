import {at, isTyping, parse} from './dom'

const every = 5000 // ms between updates
const slowest = 60_000 // ms, while the server does not respond
const unattended = 15 * 60_000 // ms without a key or pointer, after which updates pause
const paused = 'stile-console-paused' // in sessionStorage

/**
 * Fetches the page again and replaces its elements with data-live, as long as the page is visible
 * and nobody types. Only changes of the state are announced, not the updates.
 */
export function live(): void {
  if (!('refresh' in document.body.dataset)) return
  const button = document.querySelector<HTMLButtonElement>('[data-pause]')
  let wait = every, used = Date.now()
  const isPaused = () => sessionStorage.getItem(paused) !== null
  const mark = () => {
    button?.setAttribute('aria-pressed', String(isPaused()))
    if (isPaused()) say('Updates are paused.')
  }
  for (const type of ['keydown', 'pointerdown', 'pointermove', 'scroll']) document.addEventListener(type, () => (used = Date.now()), {passive: true})
  document.addEventListener('click', event => {
    if (!at(event, '[data-pause]')) return
    if (isPaused()) sessionStorage.removeItem(paused)
    else sessionStorage.setItem(paused, 'yes')
    say('')
    mark()
  })
  mark()
  const next = async () => {
    if (!isPaused() && !document.hidden && !isBusy() && Date.now() - used < unattended) {
      const problem = await update().catch(() => 'The server does not respond. Trying again.')
      wait = problem ? Math.min(2 * wait, slowest) : every
      say(problem)
    }
    setTimeout(next, wait)
  }
  setTimeout(next, wait)
}

/** Reports whether an update would disturb: a dialog is open, or somebody types or selects text. */
function isBusy(): boolean {
  return isTyping() || document.querySelector('dialog[open], details.menu[open]') !== null || getSelection()?.isCollapsed === false
}

/** Updates the page. Returns what is wrong, or ''. */
async function update(): Promise<string> {
  // The header says that nobody asked for the page, so that it does not extend the session.
  const response = await fetch(location.href, {headers: {'X-Stile-Refresh': 'yes'}, redirect: 'manual'})
  if (response.type === 'opaqueredirect' || response.status === 401 || response.status === 403) return 'The session has ended. Reload the page to sign in.'
  if (!response.ok) return 'The server can’t show this page now. Trying again.'
  const fresh = parse(await response.text())
  if (isBusy()) return ''
  for (const region of document.querySelectorAll('[data-live][id]')) {
    const now = fresh.getElementById(region.id)
    if (now && !same(region, now)) replace(region, document.importNode(now, true))
  }
  return ''
}

/** Compares two regions, apart from what the person has opened. */
function same(region: Element, now: Element): boolean {
  const plain = region.cloneNode(true) as Element
  for (const opened of plain.querySelectorAll('details[open]')) opened.removeAttribute('open')
  for (const part of plain.querySelectorAll('.cursor')) part.remove()
  for (const part of plain.querySelectorAll('.point')) part.textContent = ''
  return plain.isEqualNode(document.importNode(now, true))
}

/** Replaces a region, and keeps what is open in it, its scrolling, and the focus. */
function replace(region: Element, now: Element): void {
  const pick = (from: Element, what: string) => [...from.querySelectorAll<HTMLElement>(what)]
  const focusable = 'a, button, summary, input, select, [tabindex]'
  const focused = pick(region, focusable).findIndex(one => one === document.activeElement)
  pick(region, 'details').forEach((one, i) => {
    if (one.hasAttribute('open')) pick(now, 'details')[i]?.setAttribute('open', '')
  })
  const scrolled = pick(region, '.scroll').map(one => [one.scrollLeft, one.scrollTop] as const)
  region.replaceWith(now)
  pick(now, '.scroll').forEach((one, i) => one.scrollTo(...(scrolled[i] ?? [0, 0])))
  if (focused >= 0) pick(now, focusable)[focused]?.focus({preventScroll: true})
}

function say(text: string): void {
  const state = document.querySelector('#live-state')
  if (state && state.textContent !== text) state.textContent = text
}
