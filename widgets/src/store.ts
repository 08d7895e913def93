import type {Store} from './ports'

/** What lasts for a tab; in a sandbox, where there is no storage, nothing does. */
export const tab: Store = {
  get(key) {
    try {
      return sessionStorage.getItem(key)
    } catch {
      return null
    }
  },
  set(key, value) {
    try {
      sessionStorage.setItem(key, value)
    } catch {
      // Then each page begins anew.
    }
  },
}
