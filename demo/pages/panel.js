// The panel "Behind the scenes": it listens to what the widget layer tells of
// itself, and writes it down in plain words.

import * as story from './story.js'
import {currentToken, freshToken, nameOf} from './token.js'
import {startTroubles} from './troubles.js'

const longest = 200 // lines; older ones go
const place = 'meridian:panel'
const wide = matchMedia('(min-width: 70rem)')
const at = id => document.getElementById(id)

export function startPanel() {
  at('panel-open').addEventListener('click', () => show(true, true))
  at('panel-close').addEventListener('click', () => show(false, true))
  at('panel').addEventListener('keydown', event => { if (event.key === 'Escape') show(false, true) })
  for (const button of document.querySelectorAll('[data-opens-panel]')) button.addEventListener('click', () => show(true, true))
  show(sessionStorage.getItem(place) ? sessionStorage.getItem(place) === 'open' : wide.matches, false)
  listen()
  startTroubles(write, showToken)
  showToken()
}

// show opens or closes the panel; focus follows a person, and nobody else.
function show(open, asked) {
  at('panel').hidden = !open
  at('panel-open').hidden = open
  at('panel-open').setAttribute('aria-expanded', String(open))
  document.documentElement.classList.toggle('with-panel', open)
  if (!asked) return
  sessionStorage.setItem(place, open ? 'open' : 'closed')
  at(open ? 'panel-close' : 'panel-open').focus()
  if (open) toEnd()
}

let waitsSince = 0
let worksSince = 0

// listen writes down each event of the layer. The first also supplies tokens:
// the layer would get them by itself (data-token-url), but then the panel
// would not know which token to make trouble with.
function listen() {
  on('stile:token-invalid', ({detail}) => {
    waitsSince = performance.now()
    write(story.tokenInvalid(detail))
    detail.respondWith(freshToken(detail.signal))
  })
  on('stile:token-renewed', () => write(story.tokenRenewed(since(waitsSince))))
  on('stile:token-failed', ({detail}) => write(story.tokenFailed(detail)))
  on('stile:challenge', ({detail}) => {
    worksSince = performance.now()
    write(story.challenge(detail))
  })
  on('stile:challenge-solved', ({detail}) => write(story.challengeSolved(detail, since(worksSince))))
  on('stile:blocked', ({detail}) => write(story.blocked(detail)))
  on('stile:error', ({target, detail}) => write(story.failed(nameOfElement(target), detail)))
  on('stile:load', ({target, detail}) => write(story.loaded(nameOfElement(target), detail)))
  addEventListener('error', ({target}) => {
    if (target instanceof HTMLScriptElement) write(story.line('page', 'The widget layer did not come', `${target.src} can’t be reached: each widget shows what stood in its place.`))
  }, true)
}

function on(name, listener) {
  document.addEventListener(name, listener)
  document.addEventListener(name, later)
}

const since = start => Math.round(performance.now() - start)
const nameOfElement = element => element.localName + (element.id ? '#' + element.id : '')

// write adds a line to the log, at its end.
export function write({who, title, text}) {
  const log = at('panel-log')
  const follows = log.scrollTop + log.clientHeight > log.scrollHeight - 40
  const entry = made('li', '', who)
  entry.append(made('time', new Date().toLocaleTimeString('en-GB')), made('span', who, 'who'), made('b', title))
  if (text) entry.append(made('p', text))
  const events = at('panel-events')
  events.append(entry)
  while (events.children.length > longest) events.firstChild.remove()
  at('panel-count').textContent = events.children.length
  if (follows) toEnd()
}

function toEnd() {
  const log = at('panel-log')
  log.scrollTop = log.scrollHeight
}

function made(name, text, className = '') {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

let due
function later() {
  clearTimeout(due)
  due = setTimeout(showToken, 150)
}

// showToken asks how the token stands: that is no call, and costs nothing.
async function showToken() {
  if (!currentToken() || !window.Stile) return
  try {
    const {data} = await window.Stile.get('/v1/token')
    at('token-calls').textContent = `${data.calls.toLocaleString('en')} of ${data.calls_limit.toLocaleString('en')}`
    at('token-binding').textContent = {address: 'your address', key: 'this browser’s key'}[data.binding] ?? 'nobody yet'
    at('token-expires').textContent = timeOf(data.expires_in)
    at('token-name').textContent = nameOf(currentToken())
    at('token-gauge').style.setProperty('--used', data.calls / data.calls_limit)
  } catch (error) {
    at('token-calls').textContent = error.code ?? 'unknown'
  }
}

function timeOf(seconds) {
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min` : `${Math.ceil(seconds / 60)} min`
}
