/** Makes the elements known to the page. Twice is as good as once: a page may have the script twice. */
import {StileItem} from './item'
import {StileList} from './list'
import {StileResults} from './results'
import {StileSearch} from './search'

export {StileItem, StileList, StileResults, StileSearch}

export function defineElements(): void {
  const elements = {'stile-search': StileSearch, 'stile-results': StileResults, 'stile-list': StileList, 'stile-item': StileItem}
  for (const [name, element] of Object.entries(elements)) if (!customElements.get(name)) customElements.define(name, element)
}
