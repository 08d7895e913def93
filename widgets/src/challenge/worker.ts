import type {Trusted} from '../types'
import {pbkdf2} from './pbkdf2'
import {search, type Lane} from './search'

/** What a Worker runs: it says that it is there, then what it found in its lane. */
const source = `postMessage(null);onmessage=async({data})=>postMessage(await(${search})(data,(${pbkdf2})()))`

/** A Worker that has started. */
export interface Searcher {
  search(lane: Lane): Promise<number>
  stop(): void
}

/**
 * Starts a Worker, or rejects where the page's policy forbids one. A policy
 * says so by throwing or by an error event, as browsers differ.
 */
export function startWorker(trusted?: Trusted): Promise<Searcher> {
  const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}))
  return new Promise<Searcher>((resolve, reject) => {
    const worker = new Worker(trusted ? trusted.scriptURL(url) : url)
    const next = () => new Promise<number>((found, failed) => {
      worker.onmessage = event => found(event.data)
      worker.onerror = event => {
        event.preventDefault()
        failed(event)
      }
    })
    const stop = () => worker.terminate()
    next().then(() => resolve({
      stop,
      search(lane) {
        worker.postMessage(lane)
        return next()
      },
    }), error => {
      stop()
      reject(error)
    })
  }).finally(() => URL.revokeObjectURL(url))
}
