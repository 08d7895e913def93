/**
 * Replaces a value among the origin's keys by what fn returns, and returns that. It uses one
 * transaction, so that tabs that start simultaneously get the same value.
 */
export async function changeStored<T>(name: string, fn: (found?: T) => T): Promise<T> {
  const open = indexedDB.open('stile')
  open.onupgradeneeded = () => open.result.createObjectStore('keys')
  const db = await resultOf(open)
  const keys = db.transaction('keys', 'readwrite').objectStore('keys')
  db.close() // takes effect at the end of the transaction
  const found: T | undefined = await resultOf(keys.get(name))
  const next = fn(found)
  if (next !== found) await resultOf(keys.put(next, name))
  return next
}

/** Returns the result of a request to IndexedDB. */
function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = event => {
      event.preventDefault() // otherwise it is reported as an error of the page
      reject()
    }
  })
}
