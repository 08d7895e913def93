/** The attributes of an item, as a list of names and values. */
import {h} from './dom'
import {formatDate, formatNumber, keyName} from './format'

/** Returns a definition list of the attributes that have a value, or false if none has. */
export function attributeList(attributes: Readonly<Record<string, unknown>> | null | undefined, lang: string): HTMLElement | false {
  const rows = Object.entries(attributes ?? {}).map(([name, value]) => [name, shown(value, lang)] as const).filter(([, value]) => value)
  if (!rows.length) return false
  return h('dl', {part: 'attributes'}, ...rows.map(([name, value]) =>
    h('div', {part: 'attribute'}, h('dt', {part: 'attribute-name'}, keyName(name)), h('dd', {part: 'attribute-value'}, value))))
}

function shown(value: unknown, lang: string): Node | string {
  return typeof value === 'string' && /^https?:\/\/\S+$/i.test(value) ? h('a', {href: value, rel: 'nofollow noopener'}, hostOf(value)) : textOf(value, lang)
}

function textOf(value: unknown, lang: string): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? '✓' : '–'
  if (typeof value === 'number') return formatNumber(value, lang)
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\d(T|$)/.test(value) && formatDate(value, lang) || value
  if (Array.isArray(value)) return value.map(part => textOf(part, lang)).filter(Boolean).join(', ')
  return Object.entries(value).map(([name, part]) => `${name}: ${textOf(part, lang)}`).join(', ')
}

/** Returns the host of a URL without "www.". */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.replace(/^www\./, '') : url
}
