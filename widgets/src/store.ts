import type {Store} from './ports'

/** What lasts for a tab; in a sandbox, where there is no storage, for the page. */
export function tabStore(): Store {
  const memory = new Map<string, string>()
  return {
    get(key) {
      try {
        return sessionStorage.getItem(key) ?? memory.get(key) ?? null
      } catch {
        return memory.get(key) ?? null
      }
    },
    set(key, value) {
      memory.set(key, value)
      try {
        sessionStorage.setItem(key, value)
      } catch {
        // Then it lasts for the page.
      }
    },
  }
}
