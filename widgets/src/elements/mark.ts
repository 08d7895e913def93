/** Text in which the server has marked what was looked for. */
import type {Item} from '../types'
import {h} from './dom'

/** An item as it comes from a search with highlight=1: title and summary as HTML. */
export interface Found extends Item {
  readonly highlight?: {readonly title: string; readonly summary: string}
}

const entities: Readonly<Record<string, string>> = {'&amp;': '&', '&lt;': '<', '&gt;': '>', '&#39;': "'", '&#34;': '"'}

/**
 * The nodes of a highlighted text: text and <mark>. The server escapes five
 * characters and adds nothing else, so whatever else looks like HTML is shown
 * as the text that it is.
 */
export function marked(html: string): (string | Node)[] {
  return html.split(/<mark>(.*?)<\/mark>/s).map((piece, i) => {
    const text = piece.replace(/&(amp|lt|gt|#39|#34);/g, entity => entities[entity]!)
    return i % 2 ? h('mark', {part: 'mark'}, text) : text
  })
}
