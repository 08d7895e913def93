/** The messages that are shown instead of content: an error, or an empty result. */
import {core} from '../page'
import type {Text} from '../types'
import {button, h} from './dom'
import {describe, formatCount, type CallError} from './format'

/** Returns the message of an error, with a button, and the code and reference for support. */
export function errorMessage(error: CallError, text: Text, retryAt: () => number, retry: () => void): HTMLElement {
  const {what, then} = describe(error, text)
  const refused = 'ref' in error ? error : undefined
  const isEndpoint = error.code === 'token_endpoint', status = isEndpoint && refused?.status
  // Only a new page can contain a new token.
  const reload = refused?.renewable && !core.config.tokenUrl && !isEndpoint
  return h('div', {part: 'message'},
    h('p', {part: 'message-title'}, what),
    then && h('p', {}, then),
    error.code !== 'not_found' && h('p', {}, reload ? button('button', () => location.reload(), text('reload')) : retryButton(text, retryAt, isEndpoint, retry)),
    h('p', {part: 'code'}, [text('code', {code: error.code}), status, refused?.ref].filter(Boolean).join(' · ')))
}

/**
 * Returns the button of a message, with the seconds until the next attempt. The visitor can try
 * earlier only if isEarlyAllowed; otherwise the server would refuse. Screen readers don't read the
 * seconds, because they are in a live region.
 */
function retryButton(text: Text, retryAt: () => number, isEarlyAllowed: boolean, retry: () => void): HTMLElement {
  const left = () => Math.max(0, Math.ceil((retryAt() - Date.now()) / 1000))
  const seconds = h('span', {'aria-hidden': 'true'})
  const node = button('button', () => (isEarlyAllowed || !left()) && retry(), text('retry'), seconds)
  const tick = () => {
    const n = left()
    seconds.textContent = n ? ` (${formatCount(n, text.lang)})` : ''
    node.setAttribute('aria-disabled', String(n > 0 && !isEarlyAllowed))
    // If the attempt fails, the time of the next one is later.
    if (n || isEarlyAllowed) setTimeout(() => node.isConnected && tick(), 1000)
  }
  tick()
  return node
}

/** Returns the message of an empty result, with a hint. */
export function emptyMessage(title: string, hint: string, ...more: readonly HTMLElement[]): HTMLElement {
  return h('div', {part: 'message'}, h('p', {part: 'message-title'}, title), hint && h('p', {}, hint), ...more)
}
