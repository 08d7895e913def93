/** Tries again what has failed, when the network is back or the tab is visible again. */
import {doc} from '../doc'
import {changes, retryToken} from '../page'

/** Dispatches `wake` from now on, after an attempt to get a token if there is none. */
export function listenToWake(): void {
  addEventListener('online', wake)
  doc.addEventListener('visibilitychange', wake)
}

function wake(): void {
  if (doc.visibilityState === 'hidden') return
  retryToken()
  changes.dispatchEvent(new Event('wake'))
}
