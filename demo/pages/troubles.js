// The panel's buttons. What takes the tenant's secret or another address is
// done by the magazine's server; the rest is the page itself in a hurry.

import * as story from './story.js'
import {currentToken, nameOf, own} from './token.js'

const enough = 400 // calls after which a trouble gives up

let write, after
let busy = false

export function startTroubles(writeLine, showToken) {
  write = writeLine
  after = showToken
  for (const button of document.querySelectorAll('[data-trouble]')) button.addEventListener('click', () => start(button.dataset.trouble))
}

// start makes one trouble at a time, then the page's next call.
async function start(name) {
  if (busy) return
  mark(true)
  try {
    if (!currentToken()) await call() // somebody who has no token yet can't lose it
    await troubles[name]()
    await goOn()
  } catch (error) {
    write(story.line('page', 'That went no further', error.code ?? error.message))
  } finally {
    mark(false)
    after()
  }
}

// mark keeps the buttons where the focus is: they are busy, not gone.
function mark(now) {
  busy = now
  for (const button of document.querySelectorAll('[data-trouble]')) button.setAttribute('aria-disabled', String(now))
}

const troubles = {
  async revoke() {
    const token = currentToken()
    await own('/trouble/revoke', {token})
    write(story.line('tenant', `The magazine’s server withdrew token ${nameOf(token)}`, 'The page was not told.'))
  },

  async elsewhere() {
    write(story.stolen(await own('/trouble/elsewhere', {token: currentToken()})))
  },

  async spend() {
    write(story.hurries('Your page takes 50 items a call, as fast as it can'))
    const token = currentToken()
    let items = 0
    const add = answer => { if (currentToken() === token) items += answer.data.length }
    await repeat({limit: 50}, add, () => currentToken() !== token)
    write(story.line('you', `The old token gave you ${items.toLocaleString('en')} items, 50 a call`, 'Who wants the whole corpus needs many tokens, and each is counted.'))
  },

  async challenge() {
    write(story.hurries('Your page calls, and calls again, as fast as it can'))
    await repeat({limit: 1}, () => {}, until('stile:challenge-solved'))
  },

  async picture() {
    write(story.hurries('Your page calls without end'))
    const asked = until('stile:challenge', event => event.detail.challenge.kind === 'picture')
    await repeat({limit: 1}, () => {}, asked)
  },
}

// repeat calls, one after the other, until it is done.
async function repeat(params, take, done) {
  for (let calls = 0; calls < enough && !done(); calls++) take(await call(params))
}

// until says whether an event has come since.
function until(name, matches = () => true) {
  let came = false
  const stop = new AbortController()
  document.addEventListener(name, event => {
    came = matches(event)
    if (came) stop.abort()
  }, {signal: stop.signal})
  return () => came
}

async function goOn() {
  const token = currentToken()
  const start = performance.now()
  await call()
  write(story.goesOn(Math.round(performance.now() - start), currentToken() !== token))
}

function call(params = {limit: 1}) {
  if (!window.Stile) throw new Error('The widget layer is not there.')
  return window.Stile.get('/v1/items', params)
}
