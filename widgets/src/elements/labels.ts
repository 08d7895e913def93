/**
 * The labels of facets, collections and values. The page's own come first (attribute
 * `facet-labels`), then the publisher's (`meta.labels`), then names that are made from the keys.
 */
import {warn} from '../developer'
import {own} from '../own'
import {core} from '../page'
import {collectionName, keyName} from './format'

type Names = Readonly<Record<string, string>>

/** The publisher's labels in one language. The order of values is the order to show them in. */
export interface ServedLabels {
  readonly facets?: Names
  readonly collections?: Names
  readonly values?: Readonly<Record<string, Names>>
}

/** The page's own labels of one facet. */
interface OwnLabels {
  readonly label?: string
  readonly values?: Names
}

/**
 * The labels that the server has sent to this page. Empty ones: the publisher has none. Those of
 * the language "" are the last: they are shown if a `lang` changes, which does not cost a call.
 */
const served = new Map<string, ServedLabels>()

/** Each tenant can have labels of its own. */
const keyOf = (lang: string) => `${core.config.clientId} ${lang}`

/** Returns the language if its labels must still be requested, else undefined. */
export function wantedLabels(lang: string): string | undefined {
  return served.has(keyOf(lang)) ? undefined : lang
}

/** Keeps the labels in the response to a call that requested them. */
export function keepLabels(lang: string, labels: ServedLabels | undefined): void {
  for (const key of [keyOf(lang), keyOf('')]) served.set(key, labels ?? {})
}

/** Labels are the labels for one element. */
export class Labels {
  readonly #own: Readonly<Record<string, OwnLabels>>
  readonly #served: ServedLabels

  /** given is the element's attribute `facet-labels`. */
  constructor(lang: string, given: string | null = null) {
    this.#own = given ? parseLabels(given) : {}
    this.#served = served.get(keyOf(lang)) ?? served.get(keyOf('')) ?? {}
  }

  /** Returns the label of a facet or attribute. */
  facet(name: string, byDefault = keyName(name)): string {
    return member(this.#own, name)?.label || member(this.#served.facets, name) || byDefault
  }

  collection(key: string): string {
    return this.value('collection', key)
  }

  /** Returns the label of a value. For the facet `collection`, the values are collections. */
  value(name: string, value: string): string {
    for (const names of this.#names(name)) {
      const label = member(names, value)
      if (label) return label
    }
    return name === 'collection' ? collectionName(value) : value
  }

  /** Returns the values in the order of the labels. Those without a label follow. */
  sorted<T extends {readonly value: string}>(name: string, values: readonly T[]): readonly T[] {
    const order = this.#names(name).flatMap(names => Object.keys(names ?? {}))
    const place = ({value}: T) => order.includes(value) ? order.indexOf(value) : order.length
    return order.length ? [...values].sort((a, b) => place(a) - place(b)) : values
  }

  #names(name: string): readonly (Names | undefined)[] {
    return [member(this.#own, name)?.values, name === 'collection' ? this.#served.collections : member(this.#served.values, name)]
  }
}

/** Returns an own member. Names come from the corpus, which may have a "constructor". */
function member<T>(of: Readonly<Record<string, T>> | null | undefined, name: string): T | undefined {
  return of && Object.hasOwn(of, name) ? of[name] : undefined
}

/**
 * Parses `facet-labels`: `minutes: Minutes; course: Course`, or JSON such as {"minutes": "Minutes",
 * "course": {"label": "Course", "values": {"dessert": "Desserts"}}}.
 */
export function parseLabels(given: string): Readonly<Record<string, OwnLabels>> {
  const labels: Record<string, OwnLabels> = own()
  if (/^\s*\{/.test(given)) return parseJSON(given, labels)
  for (const pair of given.split(';').filter(pair => pair.trim())) {
    const [, name, label] = /^([^:]+):(.+)$/s.exec(pair) ?? []
    if (name && label) labels[name.trim()] = {label: label.trim()}
    else wrong(`"${pair.trim()}" has no label`)
  }
  return labels
}

function parseJSON(given: string, labels: Record<string, OwnLabels>): Readonly<Record<string, OwnLabels>> {
  try {
    for (const [name, entry] of Object.entries(JSON.parse(given) as object))
      labels[name] = typeof entry === 'object' ? own(entry as OwnLabels) : {label: String(entry)}
  } catch (error) {
    wrong((error as Error).message)
  }
  return labels
}

function wrong(why: string): void {
  warn(`facet-labels: must be "name: Label; …" or JSON: ${why}`)
}
