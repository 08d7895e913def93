/** Fake storage, channels and locks, which the tabs of an origin share. */

/**
 * The failure of the storage: open() throws or sends an error event, nothing is ever sent, keys
 * can't be stored, or the database has other contents.
 */
export type Failure = '' | 'throws' | 'refuses' | 'hangs' | 'clones nothing' | 'is another’s'

type Handler = (event: {preventDefault(): void}) => void

class FakeRequest {
  result: any
  onsuccess?: Handler
  onerror?: Handler
  onupgradeneeded?: Handler
}

/** An indexedDB with one database. A transaction starts when the previous one has ended. */
export class Storage {
  readonly records = new Map<string, any>()
  /** The number of errors whose default was not prevented. A browser reports them to the page. */
  shown = 0
  /** The number of open connections. Each would block the deletion of the database. */
  connections = 0
  #made = false
  #last: Promise<void> = Promise.resolve()

  constructor(readonly failure: Failure = '') {}

  readonly open = (_name: string) => {
    if (this.failure === 'throws') throw new DOMException('no storage here', 'SecurityError')
    const request = new FakeRequest()
    request.result = {createObjectStore: () => {}, transaction: () => this.#transaction(), close: () => this.#close(request)}
    setImmediate(() => {
      if (this.failure === 'hangs') return
      if (this.failure === 'refuses') return this.sendError(request.onerror)
      if (!this.#made) request.onupgradeneeded?.(new Event(''))
      this.#made = true
      this.connections++
      request.onsuccess?.(new Event(''))
    })
    return request
  }

  #close(request: FakeRequest): void {
    this.connections--
    request.result.transaction = () => { throw new DOMException('closed', 'InvalidStateError') }
  }

  sendError(handler: Handler | undefined): void {
    let prevented = false
    handler?.({preventDefault: () => prevented = true})
    if (!prevented) this.shown++
  }

  #transaction() {
    if (this.failure === 'is another’s') throw new DOMException('no such store', 'NotFoundError')
    const waiting: (() => void)[] = []
    let ended = false
    const enqueue = (run: () => unknown) => {
      if (ended) throw new DOMException('too late', 'TransactionInactiveError')
      const request = new FakeRequest()
      waiting.push(() => {
        request.result = run()
        request.onsuccess?.(new Event(''))
      })
      return request
    }
    const process = async () => {
      for (let next; await tick(), next = waiting.shift();) next()
      ended = true
    }
    this.#last = this.#last.then(process)
    return {objectStore: () => ({
      get: (key: string) => enqueue(() => this.records.get(key)),
      put: (value: unknown, key: string) => {
        if (this.failure === 'clones nothing') throw new DOMException('a key', 'DataCloneError')
        return enqueue(() => this.records.set(key, value))
      },
    })}
  }
}

const tick = () => new Promise(resolve => setImmediate(resolve))

/** Channels by name. A channel receives the messages of the others, not its own. */
export class Channel {
  static #open: Channel[] = []
  onmessage: (event: {data: unknown}) => void = () => {}

  constructor(readonly name: string) {
    Channel.#open.push(this)
  }

  postMessage(data: unknown): void {
    for (const other of Channel.#open)
      if (other !== this && other.name === this.name) queueMicrotask(() => other.onmessage({data}))
  }

  static closeAll(): void {
    Channel.#open = []
  }
}

/** Locks by name. A request waits for all earlier ones. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()
  /** The number of holders. */
  held = 0

  readonly request = (name: string, run: () => Promise<unknown>): Promise<unknown> => {
    const mine = (this.#last.get(name) ?? Promise.resolve()).then(async () => {
      this.held++
      await run()
      this.held--
    })
    this.#last.set(name, mine)
    return mine
  }
}

/** Sets a global for a test. Returns a function that restores it. */
export function withGlobal(name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, {value, configurable: true, writable: true})
  return () => before ? Object.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name)
}
