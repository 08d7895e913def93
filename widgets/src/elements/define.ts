/**
 * Defines the elements. Elements that exist are skipped, because a page may have the script twice.
 */
import {StileItem} from './item'
import {StileList} from './list'
import {StileResults} from './results'
import {StileSearch} from './search'
import {reportViolations} from './violations'
import {listenToWake} from './wake'

export {StileItem, StileList, StileResults, StileSearch}

/** Defines the elements that are not defined yet. */
export function defineElements(): void {
  reportViolations()
  listenToWake()
  const elements = {'stile-search': StileSearch, 'stile-results': StileResults, 'stile-list': StileList, 'stile-item': StileItem}
  for (const [name, element] of Object.entries(elements)) if (!customElements.get(name)) customElements.define(name, element)
}
