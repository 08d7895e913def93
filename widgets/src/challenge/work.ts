import type {Trusted, WorkChallenge} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'
import {startWorker, type Searcher} from './worker'

interface Options {
  readonly signal?: AbortSignal
  readonly trusted?: Trusted
}

/** More lanes help little: people wait for a moment, and other things run on their machines too. */
const mostLanes = 4

/** The longest stretch of the page's own thread, in milliseconds: a frame has 16. */
const stretch = 8

/** Where a tab remembers that its page forbids Workers: each try is a report to the page's owner. */
const forbidden = 'stile.no-worker'

/**
 * Finds the counter, in decimal: in Workers, or where the page forbids them in
 * short stretches of its own thread. It gives up when the signal says so, and
 * when the challenge has expired and an answer would be worth nothing.
 */
export async function work(challenge: WorkChallenge, {signal, trusted}: Options = {}): Promise<string> {
  const stop = new AbortController()
  const abort = () => stop.abort(signal?.reason)
  const expire = () => stop.abort(new DOMException('The challenge has expired.', 'TimeoutError'))
  const expiry = setTimeout(expire, challenge.expires_in * 1000)
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    return String(await find(challenge.parameters, stop.signal, trusted))
  } finally {
    clearTimeout(expiry)
    signal?.removeEventListener('abort', abort)
    stop.abort()
  }
}

async function find(parameters: Lane['parameters'], signal: AbortSignal, trusted?: Trusted): Promise<number> {
  signal.throwIfAborted()
  if (parameters.algorithm !== 'PBKDF2/SHA-256') throw new Error(`No such algorithm: ${parameters.algorithm}`)
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const found = inWorkers(parameters, signal, trusted).catch(() => onPage(parameters, signal))
  return Promise.race([aborted, found])
}

function lanes(parameters: Lane['parameters'], step = Math.min(navigator.hardwareConcurrency || 1, mostLanes)): Lane[] {
  return Array.from({length: step}, (_, first) => ({parameters, first, step}))
}

/** Starts one Worker before the others, so that a page that forbids them is asked once. */
async function inWorkers(parameters: Lane['parameters'], signal: AbortSignal, trusted?: Trusted): Promise<number> {
  const start = async (): Promise<Searcher> => {
    const worker = await startWorker(trusted)
    if (signal.aborted) worker.stop()
    else signal.addEventListener('abort', worker.stop)
    return worker
  }
  if (remembered()) throw forbidden
  const first = await start().catch(error => {
    remember()
    throw error
  })
  return Promise.race(lanes(parameters).map(async (lane, i) => (i ? await start() : first).search(lane)))
}

/** crypto.subtle has threads of its own; plain JavaScript gains nothing from several lanes. */
function onPage(parameters: Lane['parameters'], signal: AbortSignal): Promise<number> {
  const several = lanes(parameters, globalThis.crypto?.subtle ? undefined : 1)
  return Promise.race(several.map(lane => search(lane, pbkdf2(), pauses(signal))))
}

/** What is awaited between keys: it lets the page go on where a stretch is over. */
function pauses(signal: AbortSignal): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since > stretch) {
      await nextTask()
      since = performance.now()
    }
    signal.throwIfAborted()
  }
}

/** A message comes at once in a hidden tab too, where timers come once a second. */
function nextTask(): Promise<void> {
  return new Promise(resolve => {
    const {port1, port2} = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

// A page may have no storage, in a sandbox for one.

function remembered(): boolean {
  try {
    return forbidden in sessionStorage
  } catch {
    return false
  }
}

function remember(): void {
  try {
    sessionStorage.setItem(forbidden, '1')
  } catch {
    // Then the next page asks again.
  }
}
