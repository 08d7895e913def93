/** The footer of the results: buttons for other pages, or for more results. */
import type {Text} from '../types'
import {button, h, icon, icons, type Child} from './dom'
import type {PageHistory} from './page-history'

/**
 * Returns the buttons for the previous and next page and the page number, or false for one page.
 * last is the number of the last page, or 0 if it is unknown.
 */
export function pages(history: PageHistory, last: number, next: string | null | undefined, text: Text, go: (to: PageHistory) => void): HTMLElement | false {
  const {previous} = history
  if (!previous && !next) return false
  const back = text(previous && previous.page < history.page - 1 ? 'page.first' : 'page.previous')
  return h('nav', {part: 'paging', 'aria-label': text('page.label')},
    pageButton('previous', previous, go, icon(icons.back), back),
    h('span', {part: 'page'}, last ? text('page.of', {n: history.page, m: last}) : text('page.number', {n: history.page})),
    pageButton('next', next ? history.next(next) : null, go, text('page.next'), icon(icons.next)))
}

/** Returns a button for a page. It is disabled if there is no such page. */
function pageButton(part: string, to: PageHistory | null, go: (to: PageHistory) => void, ...children: readonly Child[]): HTMLElement {
  const node = button('button ' + part, () => to && go(to), ...children)
  node.disabled = !to
  return node
}

/**
 * Returns a button for more results, and how many of the total are shown. total is 0 if unknown.
 */
export function more(shown: number, total: number, next: string | null | undefined, text: Text, go: (cursor: string) => void): HTMLElement | false {
  if (!next) return false
  return h('div', {part: 'paging'},
    button('button more', () => go(next), text('page.more')),
    total > 0 && h('span', {part: 'page'}, text('results.shown', {m: shown, n: total})))
}
