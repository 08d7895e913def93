/** What is said in the place of content: a fault, or that there is nothing. */
import {core} from '../page'
import type {Text} from '../types'
import {button, h} from './dom'
import {explain, type Fault} from './words'

/** A fault in words, with a button and, small, what the publisher's support asks for. */
export function faultMessage(fault: Fault, text: Text, retry: () => void): HTMLElement {
  const {what, then} = explain(fault, text)
  const refused = 'ref' in fault ? fault : undefined
  const reload = refused?.renewable && !core.config.tokenUrl // only the tenant's page can bring a token
  return h('div', {part: 'message'},
    h('p', {part: 'message-title'}, what),
    then && h('p', {}, then),
    h('p', {}, button('button', reload ? () => location.reload() : retry, text(reload ? 'reload' : 'retry'))),
    h('p', {part: 'code'}, [text('code', {code: fault.code}), refused?.ref].filter(Boolean).join(' · ')))
}

/** That nothing is there, and what may help. */
export function emptyMessage(title: string, hint: string, ...more: readonly HTMLElement[]): HTMLElement {
  return h('div', {part: 'message'}, h('p', {part: 'message-title'}, title), hint && h('p', {}, hint), ...more)
}
