/** The foot of the results: on to other pages, or more of them. */
import type {Text} from '../types'
import {h, icon, icons} from './dom'
import type {Trail} from './trail'

/** Previous and next, with the page's number between; nothing where there is one page. */
export function pages(trail: Trail, next: string | null | undefined, text: Text, go: (to: Trail) => void): HTMLElement | false {
  const before = trail.before
  if (!before && !next) return false
  const back = text(before && before.page < trail.page - 1 ? 'page.first' : 'page.previous')
  return h('nav', {part: 'paging', 'aria-label': text('page.label')},
    h('button', {part: 'button previous', type: 'button', disabled: !before, click: () => before && go(before)}, icon(icons.back), back),
    h('span', {part: 'page'}, text('page.number', {n: trail.page})),
    h('button', {part: 'button next', type: 'button', disabled: !next, click: () => next && go(trail.next(next))}, text('page.next'), icon(icons.on)))
}

/** A button for more, and how far one has come. */
export function more(shown: number, total: number, next: string | null | undefined, text: Text, go: (cursor: string) => void): HTMLElement | false {
  if (!next) return false
  return h('div', {part: 'paging'},
    h('button', {part: 'button more', type: 'button', click: () => go(next)}, text('page.more')),
    h('span', {part: 'page'}, text('results.shown', {m: shown, n: total})))
}
