/** Opens the dialog for pictures on a page, as the core does, and reads its state. */
import {harness} from '../harness.mjs'
import {challenged, serveParts} from './challenges.mjs'

/** The second call leads to a picture. */
const settings = {STILE_POLICY_SPIKE_CALLS: 1, STILE_POLICY_CHALLENGE_LADDER: 'picture'}

const content = '<main><h1>A page</h1><button id="before">Show more</button><a href="/elsewhere">Elsewhere</a></main>'

/**
 * Opens a page with the dialog. #before has the focus when the dialog opens. change replaces
 * members of the challenge.
 */
export async function opened(t, browser, {csp, lang = 'en', theme = 'auto', html = content, head, instead, viewport, change = {}} = {}) {
  const w = await harness(t, browser, {settings})
  serveParts(w, instead)
  const page = await w.open(html, {...(csp && {csp: csp(w.api.origin)}), ...(head && {head})})
  if (viewport) await page.setViewport(viewport)
  await page.evaluate(() => document.querySelector('#before').focus())
  const {token, challenge} = await challenged(w)
  await page.evaluate(ask, {api: w.api.origin, client: w.client.id, lang, theme, token, challenge: {...challenge, ...change}})
  await w.until(page, () => Boolean(document.querySelector('body > div')?.shadowRoot?.querySelector('dialog[open]')))
  return {w, page}
}

/** Runs in the page: handles a picture like the core. The outcome is stored under a symbol. */
function ask({api, client, token, challenge, lang, theme}) {
  const send = (path, form) => fetch(`${api}/v1/challenges/${path}`, {
    method: 'POST', body: new URLSearchParams({client_id: client, access_token: token, ...form}),
  }).then(answer => answer.json())
  const state = globalThis[Symbol.for('asked')] = {challenge, outcome: undefined, reloads: 0}
  const reload = async () => {
    state.reloads++
    const body = await send(`${state.challenge.id}/reload`)
    if (body.error) throw body.error
    return state.challenge = body.data
  }
  const run = async () => {
    const {dialog} = await import(`${api}/widgets/part/challenge.mjs`)
    const open = state.dialog = dialog({lang, theme, reload})
    for (let wrong = false; ; wrong = true) {
      const answer = await open.ask(state.challenge, wrong)
      if (typeof answer !== 'string') return open.close(), answer === null ? 'cancelled' : answer
      const body = await send(`${state.challenge.id}/answer`, {answer})
      if (body.data?.solved) return open.close(), 'solved'
      if (!body.error.challenge) return open.close(), body.error.code
      state.challenge = body.error.challenge
    }
  }
  run().then(outcome => state.outcome = outcome, error => state.outcome = String(error))
}

/** Reads the state of the dialog in the page. */
export const seen = page => page.evaluate(() => {
  const root = document.querySelector('body > div')?.shadowRoot
  const state = globalThis[Symbol.for('asked')]
  const of = element => element && (element.localName + (element.textContent ? `: ${element.textContent}` : ''))
  if (!root) return {outcome: state.outcome, focus: document.activeElement?.id || document.activeElement?.localName}
  const picture = root.querySelector('img')
  return {
    outcome: state.outcome, focus: of(root.activeElement), message: root.querySelector('[role=status]').textContent,
    value: root.querySelector('input').value, buttons: [...root.querySelectorAll('button')].map(b => b.textContent),
    picture: picture.src, width: picture.complete ? picture.naturalWidth : 0, alt: picture.alt,
    id: state.challenge.id, reloads: state.reloads,
  }
})

/** Waits until the state of the dialog meets a condition. */
export async function untilSeen(w, page, pleases, what) {
  let last
  await w.untilTrue(async () => pleases(last = await seen(page)), what).catch(error => {
    throw new Error(`${error.message}\n${JSON.stringify(last)}`)
  })
  return last
}

/** Waits until the picture is loaded. */
export const untilPicture = (w, page) => untilSeen(w, page, s => s.width === 480 && s.message !== 'Loading…', 'the picture')

/** Presses keys, one after another. */
export const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key)
}

/** Clicks on the button with this text. */
export async function clickOn(page, text) {
  const clicked = await page.evaluateHandle(text => [...document.querySelector('body > div').shadowRoot.querySelectorAll('button')].find(b => b.textContent === text), text)
  await clicked.click()
}
