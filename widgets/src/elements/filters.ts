/** The filters of a search, as parameters of the API. */

/** A filter, as a parameter of the API: ['tag', 'cake'], ['attribute.course', 'Dessert']. */
export type Filter = readonly [name: string, value: string]

/** The sort orders of the API. */
export const sorts = ['relevance', 'newest', 'title']

const rangeValue = /^(-?\d+(\.\d+)?|\d{4}-\d\d-\d\d(T[\d:.]+Z)?)$/

/** Reports whether a text is a number or a date. 2026-02-30 is neither. */
const isEnd = (text: string) => rangeValue.test(text) && (text[4] !== '-' || new Date(text).toJSON()?.startsWith(text.slice(0, 10)))

/** Returns the filters without repeated and unreadable ranges, which a URL may contain. */
export function validFilters(filters: readonly Filter[]): readonly Filter[] {
  return filters.filter(([name, value], at) => !isRange(name) || isEnd(value) && filters.findIndex(([other]) => other === name) === at)
}

/** Reports whether a filter is an end of a range, or of the range of one name. */
export function isRange(filter: string, name?: string): boolean {
  return name === undefined ? /^(min|max)\./.test(filter) : filter === 'min.' + name || filter === 'max.' + name
}
