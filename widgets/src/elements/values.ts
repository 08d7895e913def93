/** The attributes whose values are from a fixed set, by element. */
const values: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'stile-results': {
    layout: ['list', 'grid'], mode: ['pages', 'more'], 'deep-link': ['hash', 'query'],
  },
  'stile-list': {layout: ['list', 'grid', 'carousel']},
  'stile-item': {'item-from': ['url']},
}

/** Returns the attributes with an unknown value, each with the values that it can have. */
export function unknownValues(element: Element): (readonly [attribute: string, given: string, allowed: readonly string[]])[] {
  return Object.entries(values[element.localName] ?? {})
    .map(([attribute, allowed]) => [attribute, element.getAttribute(attribute) ?? '', allowed] as const)
    .filter(([, given, allowed]) => given && !allowed.includes(given))
}
