/** The sort orders of the results. */
import {reportMistake} from '../developer'
import type {StileElement} from './base'
import {sorts} from './filters'

/** Returns the sort orders in an attribute, and reports an unknown one. */
export function sortOrders(element: StileElement, attribute: string): readonly string[] {
  const orders = element.names(attribute), wrong = orders.find(order => !sorts.includes(order))
  if (wrong) reportMistake(dev => dev.value(element.localName, attribute, wrong, sorts))
  return orders.filter(order => sorts.includes(order))
}
