/** The filters of a search, as parameters of the API. */

/** A filter, as a parameter of the API: ['tag', 'cake'], ['attribute.course', 'Dessert']. */
export type Filter = readonly [name: string, value: string]

const rangeValue = /^(-?\d+(\.\d+)?|\d{4}-\d\d-\d\d(T[\d:.]+Z)?)$/

/** Returns the filters without repeated and unreadable ranges, which a URL may contain. */
export function validFilters(filters: readonly Filter[]): readonly Filter[] {
  return filters.filter(([name, value], at) => !isRange(name) || rangeValue.test(value) && filters.findIndex(([other]) => other === name) === at)
}

/** Reports whether a filter is an end of a range, or of the range of one name. */
export function isRange(filter: string, name?: string): boolean {
  return name === undefined ? /^(min|max)\./.test(filter) : filter === 'min.' + name || filter === 'max.' + name
}
