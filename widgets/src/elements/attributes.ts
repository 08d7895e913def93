/** The attributes of an item, as a list of names and values. */
import {h} from './dom'
import {formatDate, formatNumber} from './format'
import type {Labels} from './labels'

type Attributes = Readonly<Record<string, unknown>>

/**
 * Returns a definition list of the attributes that have a value, or false if none has. With names,
 * the list contains these attributes only, in this order.
 */
export function attributeList(attributes: Attributes | null | undefined, lang: string, labels: Labels, names: readonly string[] = Object.keys(attributes ?? {})): HTMLElement | false {
  const rows = names.map(name => [name, shown(name, attributeOf(attributes, name), lang, labels)] as const).filter(([, value]) => value)
  if (!rows.length) return false
  return h('dl', {part: 'attributes'}, ...rows.map(([name, value]) =>
    h('div', {part: 'attribute'}, h('dt', {part: 'attribute-name'}, labels.facet(name)), h('dd', {part: 'attribute-value'}, value))))
}

/** Returns an attribute. The names are the publisher's or the page's: one may be "constructor". */
export function attributeOf(attributes: Attributes | null | undefined, name: string): unknown {
  return attributes && Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

function shown(name: string, value: unknown, lang: string, labels: Labels): Node | string {
  return typeof value === 'string' && /^https?:\/\/\S+$/i.test(value) ? h('a', {href: value, rel: 'nofollow noopener'}, hostOf(value)) : textOf(name, value, lang, labels)
}

/** Returns the text of an attribute's value, "" if it has none. */
export function textOf(name: string, value: unknown, lang: string, labels: Labels): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'boolean') return value ? '✓' : '–'
  if (typeof value === 'number') return formatNumber(value, lang)
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\d(T|$)/.test(value) && formatDate(value, lang) || labels.value(name, value)
  if (Array.isArray(value)) return value.map(part => textOf(name, part, lang, labels)).filter(Boolean).join(', ')
  return Object.entries(value).map(([key, part]) => `${key}: ${textOf(key, part, lang, labels)}`).join(', ')
}

/** Returns the host of a URL without "www.". */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host.replace(/^www\./, '') : url
}
