/** The foot of the results: on to other pages, or more of them. */
import type {Text} from '../types'
import {button, h, icon, icons, type Child} from './dom'
import type {Trail} from './trail'

/** Previous and next, with the page's number between; nothing where there is one page. */
export function pages(trail: Trail, next: string | null | undefined, text: Text, go: (to: Trail) => void): HTMLElement | false {
  const before = trail.before
  if (!before && !next) return false
  const back = text(before && before.page < trail.page - 1 ? 'page.first' : 'page.previous')
  return h('nav', {part: 'paging', 'aria-label': text('page.label')},
    leaf('previous', before, go, icon(icons.back), back),
    h('span', {part: 'page'}, text('page.number', {n: trail.page})),
    leaf('next', next ? trail.next(next) : null, go, text('page.next'), icon(icons.on)))
}

function leaf(part: string, to: Trail | null, go: (to: Trail) => void, ...children: readonly Child[]): HTMLElement {
  const leads = button('button ' + part, () => to && go(to), ...children)
  leads.disabled = !to
  return leads
}

/** A button for more, and how far one has come if the total is known, else it is 0. */
export function more(shown: number, total: number, next: string | null | undefined, text: Text, go: (cursor: string) => void): HTMLElement | false {
  if (!next) return false
  return h('div', {part: 'paging'},
    button('button more', () => go(next), text('page.more')),
    total > 0 && h('span', {part: 'page'}, text('results.shown', {m: shown, n: total})))
}
