/** The sort orders of the results. */
import {reportMistake} from '../developer'

const known = ['relevance', 'newest', 'title']

/** Returns the sort orders in the attribute `sort-by`. */
export function sortOrders(given: string | null): readonly string[] {
  const orders = (given ?? '').split(',').map(order => order.trim()).filter(Boolean)
  const wrong = orders.find(order => !known.includes(order))
  if (wrong) reportMistake(dev => dev.value('stile-results', 'sort-by', wrong, known))
  return orders.filter(order => known.includes(order))
}
