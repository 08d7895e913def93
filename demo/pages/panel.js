// The panel "Behind the scenes". It listens to the events of the widget layer and describes each in
// a line of its log.

import * as story from './story.js'
import {currentToken, freshToken, tokenId} from './token.js'
import {startTroubles} from './troubles.js'

const maxLines = 200 // in the log; older lines are removed
const storageKey = 'meridian:panel'
const wide = matchMedia('(min-width: 70rem)')
const byId = id => document.getElementById(id)

export function startPanel() {
  byId('panel-open').addEventListener('click', () => show(true, true))
  byId('panel-close').addEventListener('click', () => show(false, true))
  byId('panel').addEventListener('keydown', event => { if (event.key === 'Escape') show(false, true) })
  for (const button of document.querySelectorAll('[data-opens-panel]')) button.addEventListener('click', () => show(true, true))
  show(sessionStorage.getItem(storageKey) ? sessionStorage.getItem(storageKey) === 'open' : wide.matches, false)
  listen()
  startTroubles(write, showToken)
  showToken()
}

// show opens or closes the panel. It moves the focus only if the visitor opened or closed it.
function show(open, byVisitor) {
  byId('panel').hidden = !open
  byId('panel-open').hidden = open
  byId('panel-open').setAttribute('aria-expanded', String(open))
  document.documentElement.classList.toggle('with-panel', open)
  if (!byVisitor) return
  sessionStorage.setItem(storageKey, open ? 'open' : 'closed')
  byId(open ? 'panel-close' : 'panel-open').focus()
}

let tokenRequestedAt = 0
let challengedAt = 0

// listen logs each event of the layer. It also supplies the tokens. The layer could get them
// itself (data-token-url), but then the panel would not know the token that its buttons need.
function listen() {
  on('stile:token-invalid', ({detail}) => {
    tokenRequestedAt = performance.now()
    write(story.tokenInvalid(detail))
    detail.respondWith(freshToken(detail.signal))
  })
  on('stile:token-renewed', () => write(story.tokenRenewed(since(tokenRequestedAt))))
  on('stile:token-failed', ({detail}) => write(story.tokenFailed(detail)))
  on('stile:challenge', ({detail}) => {
    challengedAt = performance.now()
    write(story.challenge(detail))
  })
  on('stile:challenge-solved', ({detail}) => write(story.challengeSolved(detail, since(challengedAt))))
  on('stile:blocked', ({detail}) => write(story.blocked(detail)))
  on('stile:error', ({target, detail}) => write(story.failed(nameOfElement(target), detail)))
  on('stile:load', ({target, detail}) => write(story.loaded(nameOfElement(target), detail)))
  addEventListener('error', ({target}) => {
    if (target instanceof HTMLScriptElement) write(story.line('page', 'The widget layer did not load', `${target.src} is unreachable. Each widget shows its fallback.`))
  }, true)
}

function on(name, listener) {
  document.addEventListener(name, listener)
  document.addEventListener(name, showTokenSoon)
}

const since = start => Math.round(performance.now() - start)
const nameOfElement = element => element.localName + (element.id ? '#' + element.id : '')

// write adds a line at the top of the log. A visitor who has scrolled down to an older line still
// has it in view.
export function write({who, title, text}) {
  const log = byId('panel-log')
  const {scrollTop, scrollHeight} = log
  const entry = make('li', '', who)
  entry.append(make('time', new Date().toLocaleTimeString('en-GB')), make('span', who, 'who'), make('b', title))
  if (text) entry.append(make('p', text))
  const events = byId('panel-events')
  events.prepend(entry)
  if (scrollTop > 0) log.scrollTop = scrollTop + log.scrollHeight - scrollHeight
  while (events.children.length > maxLines) events.lastChild.remove()
  byId('panel-count').textContent = events.children.length
}

function make(name, text, className = '') {
  const element = document.createElement(name)
  element.textContent = text
  element.className = className
  return element
}

let timer
function showTokenSoon() {
  clearTimeout(timer)
  timer = setTimeout(showToken, 150)
}

// showToken shows the state of the token. The request is not a counted call.
async function showToken() {
  if (!currentToken() || !window.Stile) return
  try {
    const {data} = await window.Stile.get('/v1/token')
    byId('token-calls').textContent = `${data.calls.toLocaleString('en')} of ${data.calls_limit.toLocaleString('en')}`
    byId('token-binding').textContent = {address: 'your address', key: 'this browser’s key'}[data.binding] ?? 'not bound yet'
    byId('token-expires').textContent = duration(data.expires_in)
    byId('token-name').textContent = tokenId(currentToken())
    byId('token-gauge').style.setProperty('--used', data.calls / data.calls_limit)
  } catch (error) {
    byId('token-calls').textContent = error.code ?? 'unknown'
  }
}

function duration(seconds) {
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min` : `${Math.ceil(seconds / 60)} min`
}
