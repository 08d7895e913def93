import type {Trusted} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'

/** What a Worker runs: it says that it is there, then what it found in its lane. */
const source = `postMessage(null);onmessage=async({data})=>postMessage(await(${search})(data,(${pbkdf2})()))`

/**
 * Searches the lanes, each in a Worker, until the signal says so. The first
 * one must have started before the others are tried: where the page's policy
 * forbids Workers, each try is a report to its owner. A policy says no by
 * throwing or by an error event, as browsers differ; both reject.
 */
export function searchInWorkers(lanes: Lane[], signal: AbortSignal, trusted?: Trusted): Promise<number> {
  const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}))
  signal.addEventListener('abort', () => URL.revokeObjectURL(url))
  return new Promise((resolve, reject) => {
    const start = (lane: Lane, others: Lane[]): void => {
      const worker = new Worker(trusted ? trusted.scriptURL(url) : url)
      signal.addEventListener('abort', () => worker.terminate())
      worker.onmessage = ({data}) => data === null ? others.forEach(other => start(other, [])) : resolve(data)
      worker.onerror = event => {
        event.preventDefault()
        reject(event)
      }
      worker.postMessage(lane)
    }
    start(lanes[0]!, lanes.slice(1))
  })
}
