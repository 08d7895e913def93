/** Texts in which the server has marked the search terms. */
import {h} from './dom'

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
