/** Notices above the results of a search that was not answered exactly as it was typed. */
import type {Meta, Text} from '../types'
import {correctedQuery} from './corrected'
import {button, h, type Child} from './dom'

/** Returns the notices about a response. exact searches for the query as it was typed. */
export function notices(q: string, {corrected, relaxed, full, ignored}: Meta, text: Text, exact: () => void): Child[] {
  return [
    Boolean(corrected?.length) && h('p', {part: 'corrected'},
      ...around(text, 'notice.corrected', h('b', {part: 'query'}, h('bdi', {}, correctedQuery(q, corrected)))), ' ',
      button('exact', exact, ...around(text, 'notice.instead', h('bdi', {}, q)))),
    relaxed && h('p', {part: 'relaxed'}, text(full ? 'notice.few' : 'notice.none')),
    Boolean(ignored?.length) && h('p', {part: 'ignored'}, text('notice.ignored', {words: ignored!.join(', ')})),
  ]
}

/** Returns a text whose {q} is a node. */
function around(text: Text, key: string, node: Node): Child[] {
  const [before, after] = text(key, {q: '\ufffc'}).split('\ufffc')
  return [before, node, after]
}
