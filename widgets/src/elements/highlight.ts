/** Texts in which the server has marked the search terms. */
import type {Item} from '../types'
import {h} from './dom'

/** An item in the results of a search with highlight=1, with title and summary as HTML. */
export interface Found extends Item {
  readonly highlight?: {readonly title: string; readonly summary: string}
}

const entities: Readonly<Record<string, string>> = {'&amp;': '&', '&lt;': '<', '&gt;': '>', '&#39;': "'", '&#34;': '"'}

/**
 * Returns the nodes of a highlighted text: text and <mark>. The server escapes five characters and
 * adds only <mark>. Anything else that looks like HTML is shown as text.
 */
export function highlighted(html: string): (string | Node)[] {
  return html.split(/<mark>(.*?)<\/mark>/s).map((piece, i) => {
    const text = piece.replace(/&(amp|lt|gt|#39|#34);/g, entity => entities[entity]!)
    return i % 2 ? h('mark', {part: 'mark'}, text) : text
  })
}
