/** The attributes of an item, as a list of names and values. */
import {h} from './dom'
import {day, figure, named} from './words'

/** A definition list of what has a value; false where nothing has. */
export function facts(attributes: Readonly<Record<string, unknown>> | null | undefined): HTMLElement | false {
  const rows = Object.entries(attributes ?? {}).map(([name, value]) => [name, shown(value)] as const).filter(([, value]) => value)
  if (!rows.length) return false
  return h('dl', {part: 'attributes'}, ...rows.map(([name, value]) =>
    h('div', {part: 'attribute'}, h('dt', {part: 'attribute-name'}, named(name)), h('dd', {part: 'attribute-value'}, value))))
}

function shown(value: unknown): Node | string {
  return typeof value === 'string' && /^https?:\/\/\S+$/i.test(value) ? h('a', {href: value, rel: 'nofollow noopener'}, hostOf(value)) : words(value)
}

function words(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? '✓' : '–'
  if (typeof value === 'number') return figure(value)
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\d(T|$)/.test(value) && day(value) || value
  if (Array.isArray(value)) return value.map(words).filter(Boolean).join(', ')
  return Object.entries(value).map(([name, part]) => `${name}: ${words(part)}`).join(', ')
}

/** The host of an address, without what says nothing. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.replace(/^www\./, '') : url
}
