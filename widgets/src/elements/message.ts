/** The messages that are shown instead of content: an error, or an empty result. */
import {core} from '../page'
import type {Text} from '../types'
import {button, h} from './dom'
import {describe, type CallError} from './format'

/** Returns the message of an error, with a button, and the code and reference for support. */
export function errorMessage(error: CallError, text: Text, retry: () => void): HTMLElement {
  const {what, then} = describe(error, text)
  const refused = 'ref' in error ? error : undefined
  // Only a new page can contain a new token.
  const reload = refused?.renewable && !core.config.tokenUrl
  return h('div', {part: 'message'},
    h('p', {part: 'message-title'}, what),
    then && h('p', {}, then),
    h('p', {}, button('button', reload ? () => location.reload() : retry, text(reload ? 'reload' : 'retry'))),
    h('p', {part: 'code'}, [text('code', {code: error.code}), refused?.ref].filter(Boolean).join(' · ')))
}

/** Returns the message of an empty result, with a hint. */
export function emptyMessage(title: string, hint: string, ...more: readonly HTMLElement[]): HTMLElement {
  return h('div', {part: 'message'}, h('p', {part: 'message-title'}, title), hint && h('p', {}, hint), ...more)
}
