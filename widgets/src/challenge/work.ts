import type {Trusted, WorkChallenge} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'
import {searchInWorkers} from './worker'

interface Options {
  readonly signal?: AbortSignal
  readonly trusted?: Trusted
}

/** Reports that the page's policy forbids Workers. They are tried once. */
let forbidden = false

/**
 * Returns the counter in decimal. It searches in Workers. If the page forbids them, it searches in
 * short slices of the main thread. It rejects when the signal aborts, and when the challenge
 * expires.
 */
export async function work({parameters, expires_in}: WorkChallenge, {signal, trusted}: Options = {}): Promise<string> {
  signal?.throwIfAborted()
  if (parameters.algorithm !== 'PBKDF2/SHA-256') throw new Error(parameters.algorithm)
  const end = new AbortController()
  const gaveUp = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), end)
    setTimeout(() => reject(new DOMException('expired', 'TimeoutError')), expires_in * 1000)
  })
  try {
    return String(await Promise.race([gaveUp, find(parameters, end.signal, trusted)]))
  } finally {
    end.abort()
  }
}

/** Searches in Workers, or on the page if Workers fail. */
async function find(parameters: Lane['parameters'], signal: AbortSignal, trusted?: Trusted): Promise<number> {
  // More than four save little time, and slow other programs.
  const step = Math.min(navigator.hardwareConcurrency || 1, 4)
  const lanes = Array.from({length: step}, (_, first) => ({parameters, first, step}))
  try {
    if (!forbidden) return await searchInWorkers(lanes, signal, trusted)
  } catch {
    forbidden = true
  }
  return searchOnPage(lanes, signal)
}

/**
 * Searches without Workers. crypto.subtle uses threads of its own, so all lanes run concurrently.
 * Plain JavaScript only has the main thread, so it searches one lane, in slices.
 */
function searchOnPage(lanes: Lane[], signal: AbortSignal): Promise<number> {
  const check = () => signal.throwIfAborted()
  if (globalThis.crypto?.subtle) return Promise.race(lanes.map(lane => search(lane, pbkdf2(), check)))
  let since = performance.now()
  return search({...lanes[0]!, step: 1}, pbkdf2(), async () => {
    // A frame lasts 16 ms. The page gets half of it.
    if (performance.now() - since > 8) {
      await nextTask()
      since = performance.now()
    }
    check()
  })
}

/**
 * Waits for the next task, so that the page stays responsive. Firefox renders frames between timers
 * but not between messages. In a hidden tab, timers fire only once a second, so messages are used.
 */
function nextTask(): Promise<unknown> {
  return new Promise(resolve => {
    const {port1, port2} = new MessageChannel()
    port1.onmessage = resolve
    if (document.hidden) port2.postMessage(null)
    else setTimeout(resolve)
  })
}
