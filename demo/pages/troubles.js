// The panel's buttons that make trouble. The magazine's server does what needs the tenant's secret
// or another address. The rest is the page itself, which calls too fast.

import * as story from './story.js'
import {currentToken, post, tokenId} from './token.js'

const maxCalls = 400 // after which a button gives up

let write, refresh
let busy = false

export function startTroubles(writeLine, showToken) {
  write = writeLine
  refresh = showToken
  for (const button of document.querySelectorAll('[data-trouble]')) button.addEventListener('click', () => start(button.dataset.trouble))
}

// start runs the action of one button at a time, then makes the page's next call.
async function start(name) {
  if (busy) return
  setBusy(true)
  try {
    if (!currentToken()) await call() // the actions need a token
    await troubles[name]()
    await makeNextCall()
  } catch (error) {
    write(story.line('page', 'The page could not continue', error.code ?? error.message))
  } finally {
    setBusy(false)
    refresh()
  }
}

// setBusy disables the buttons without removing them, so that the focus stays.
function setBusy(is) {
  busy = is
  for (const button of document.querySelectorAll('[data-trouble]')) button.setAttribute('aria-disabled', String(is))
}

const troubles = {
  async revoke() {
    const token = currentToken()
    await post('/trouble/revoke', {token})
    write(story.line('tenant', `The magazine’s server revoked token ${tokenId(token)}`, 'The page does not know it yet.'))
  },

  async elsewhere() {
    write(story.copied(await post('/trouble/elsewhere', {token: currentToken()}), document.querySelector('#panel').dataset.command))
  },

  async spend() {
    write(story.fastCalls('Your page fetches 50 items per call, as fast as it can'))
    const token = currentToken()
    let items = 0
    const add = answer => { if (currentToken() === token) items += answer.data.length }
    await repeat({limit: 50}, add, () => currentToken() !== token)
    write(story.line('you', `The old token delivered ${items.toLocaleString('en')} items, 50 per call`, 'A scraper needs many tokens to get a large corpus, and each of them is counted.'))
  },

  async challenge() {
    write(story.fastCalls('Your page calls repeatedly, as fast as it can'))
    await repeat({limit: 1}, () => {}, until('stile:challenge-solved'))
  },

  async picture() {
    write(story.fastCalls('Your page calls without a pause'))
    const pictured = until('stile:challenge', event => event.detail.challenge.kind === 'picture')
    await repeat({limit: 1}, () => {}, pictured)
  },
}

// repeat makes calls, one after the other, until done() or maxCalls.
async function repeat(params, take, done) {
  for (let calls = 0; calls < maxCalls && !done(); calls++) take(await call(params))
}

// until returns a function that reports whether the event has been raised since.
function until(name, matches = () => true) {
  let raised = false
  const stop = new AbortController()
  document.addEventListener(name, event => {
    raised = matches(event)
    if (raised) stop.abort()
  }, {signal: stop.signal})
  return () => raised
}

async function makeNextCall() {
  const token = currentToken()
  const start = performance.now()
  await call()
  write(story.continued(Math.round(performance.now() - start), currentToken() !== token))
}

function call(params = {limit: 1}) {
  if (!window.Stile) throw new Error('The widget layer is not loaded.')
  return window.Stile.get('/v1/items', params)
}
