import type {Store} from './ports'

/** The tab's session storage. In a sandbox, which has no storage, nothing is stored. */
export const tabStorage: Store = {
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
      // Then each page view starts without stored values.
    }
  },
}
