import {TransportError} from './errors'

/** The promise, or the signal's reason if it aborts first. */
export function abortable<T>(promise: PromiseLike<T>, signal?: AbortSignal): Promise<T> {
  let abort: () => void
  return new Promise<T>((resolve, reject) => {
    abort = () => reject(signal!.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    promise.then(resolve, reject)
  }).finally(() => signal?.removeEventListener('abort', abort))
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
