import type {Trusted} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'

/** The source of a Worker. It sends null when it has started, then the counter that it finds. */
const source = `postMessage(null);onmessage=async({data})=>postMessage(await(${search})(data,(${pbkdf2})()))`

/**
 * Searches each lane in a Worker, until one finds the counter or the signal aborts. The other
 * Workers are created after the first has started: if the page's policy forbids Workers, each
 * attempt sends a violation report to the site. Depending on the browser, a forbidden Worker throws
 * or sends an error event. Both reject.
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
