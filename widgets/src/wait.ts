import {TransportError} from './errors'

/** The promise, or the signal's reason if it aborts first. */
export function abortable<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal!.reason)
    const end = () => signal?.removeEventListener('abort', abort)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    promise.then(value => (end(), resolve(value)), error => (end(), reject(error)))
  })
}

/** Waits for ms. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer
  try {
    await abortable(new Promise<void>(resolve => timer = setTimeout(resolve, ms)), signal)
  } finally {
    clearTimeout(timer)
  }
}

/** Runs something for ms at most, then it is a timeout. Its signal aborts when it ends, in whatever way. */
export async function within<T>(ms: number, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  const end = new AbortController()
  const late = sleep(ms, end.signal).then(() => { throw new TransportError('timeout') })
  try {
    return await Promise.race([abortable(run(end.signal), signal), late])
  } finally {
    end.abort()
  }
}
