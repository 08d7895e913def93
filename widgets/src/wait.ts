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

/** Runs something that ends when its signal aborts: when the caller's does, or after ms, which is a timeout. */
export async function within<T>(ms: number, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  const stop = new AbortController()
  const abort = () => stop.abort(signal!.reason)
  const timer = setTimeout(() => stop.abort(new TransportError('timeout')), ms)
  signal?.addEventListener('abort', abort)
  try {
    return await abortable(run(stop.signal), stop.signal)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
