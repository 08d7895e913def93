import {TransportError} from './errors'

/** Settles like the promise, or rejects with the signal's reason if it aborts first. */
export function abortable<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
  let abort: () => void
  return new Promise<T>((resolve, reject) => {
    abort = () => reject(signal!.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    promise.then(resolve, reject)
  }).finally(() => signal?.removeEventListener('abort', abort))
}

/** Waits for a time in ms. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  return abortable(new Promise<void>(resolve => timer = setTimeout(resolve, ms)), signal).finally(() => clearTimeout(timer))
}

/**
 * Calls run, and rejects with a timeout after ms. The signal that run receives aborts at the end,
 * in every case.
 */
export async function withTimeout<T>(ms: number, signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  const end = new AbortController()
  const timeout = sleep(ms, end.signal).then(() => { throw new TransportError('timeout') })
  try {
    return await Promise.race([abortable(run(end.signal), signal), timeout])
  } finally {
    end.abort()
  }
}
