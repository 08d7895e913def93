import type {Trusted, WorkChallenge} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'
import {searchInWorkers} from './worker'

interface Options {
  readonly signal?: AbortSignal
  readonly trusted?: Trusted
}

/** More lanes help little: people wait for a moment, and other things run on their machines too. */
const mostLanes = 4

/** The longest stretch of the page's own thread, in milliseconds: a frame has 16. */
const stretch = 8

/** The page's policy forbids Workers. It is asked once. */
let forbidden = false

/**
 * Finds the counter, in decimal: in Workers, or where the page forbids them in
 * short stretches of its own thread. It gives up when the signal says so, and
 * when the challenge has expired and an answer would be worth nothing.
 */
export async function work({parameters, expires_in}: WorkChallenge, {signal, trusted}: Options = {}): Promise<string> {
  signal?.throwIfAborted()
  if (parameters.algorithm !== 'PBKDF2/SHA-256') throw new Error('unknown: ' + parameters.algorithm)
  const end = new AbortController()
  const givenUp = new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), end)
    setTimeout(() => reject(new DOMException('expired', 'TimeoutError')), expires_in * 1000)
  })
  try {
    return String(await Promise.race([givenUp, find(parameters, end.signal, trusted)]))
  } finally {
    end.abort()
  }
}

async function find(parameters: Lane['parameters'], signal: AbortSignal, trusted?: Trusted): Promise<number> {
  const step = Math.min(navigator.hardwareConcurrency || 1, mostLanes)
  const lanes = Array.from({length: step}, (_, first) => ({parameters, first, step}))
  try {
    if (!forbidden) return await searchInWorkers(lanes, signal, trusted)
  } catch {
    forbidden = true
  }
  return searchOnPage(lanes, signal)
}

/** crypto.subtle has threads of its own. Plain JavaScript has the page's alone: one lane, in stretches. */
function searchOnPage(lanes: Lane[], signal: AbortSignal): Promise<number> {
  const check = () => signal.throwIfAborted()
  if (globalThis.crypto?.subtle) return Promise.race(lanes.map(lane => search(lane, pbkdf2(), check)))
  let since = performance.now()
  return search({...lanes[0]!, step: 1}, pbkdf2(), async () => {
    if (performance.now() - since > stretch) {
      await nextTask()
      since = performance.now()
    }
    check()
  })
}

/**
 * Lets the page go on. Timers leave Firefox room for frames between them, and
 * messages don't; but in a hidden tab a timer comes once a second.
 */
function nextTask(): Promise<unknown> {
  return new Promise(resolve => {
    const {port1, port2} = new MessageChannel()
    port1.onmessage = resolve
    if (document.hidden) port2.postMessage(null)
    else setTimeout(resolve)
  })
}
