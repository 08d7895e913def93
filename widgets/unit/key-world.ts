/** Storage, channels and locks as tabs of one origin share them, small enough to be bent. */

/** What is wrong with the storage: it is refused when asked or by an event, it never answers, takes no keys, or has other things in it. */
export type Illness = '' | 'throws' | 'refuses' | 'hangs' | 'clones nothing' | 'is another’s'

type Handler = (event: {preventDefault(): void}) => void

class Asked {
  result: any
  onsuccess?: Handler
  onerror?: Handler
  onupgradeneeded?: Handler
}

/** An indexedDB of one database, in which a transaction begins when the one before has ended. */
export class Storage {
  readonly records = new Map<string, any>()
  /** Errors that nobody prevented: a browser shows them to the page. */
  shown = 0
  /** Connections that are open: each would hold up who wants to delete the database. */
  connections = 0
  #made = false
  #last: Promise<void> = Promise.resolve()

  constructor(readonly illness: Illness = '') {}

  readonly open = (_name: string) => {
    if (this.illness === 'throws') throw new DOMException('no storage here', 'SecurityError')
    const asked = new Asked()
    asked.result = {createObjectStore: () => {}, transaction: () => this.#transaction(), close: () => this.#close(asked)}
    setImmediate(() => {
      if (this.illness === 'hangs') return
      if (this.illness === 'refuses') return this.tell(asked.onerror)
      if (!this.#made) asked.onupgradeneeded?.(new Event(''))
      this.#made = true
      this.connections++
      asked.onsuccess?.(new Event(''))
    })
    return asked
  }

  #close(asked: Asked): void {
    this.connections--
    asked.result.transaction = () => { throw new DOMException('closed', 'InvalidStateError') }
  }

  tell(handler: Handler | undefined): void {
    let prevented = false
    handler?.({preventDefault: () => prevented = true})
    if (!prevented) this.shown++
  }

  #transaction() {
    if (this.illness === 'is another’s') throw new DOMException('no such store', 'NotFoundError')
    const waiting: (() => void)[] = []
    let over = false
    const ask = (run: () => unknown) => {
      if (over) throw new DOMException('too late', 'TransactionInactiveError')
      const asked = new Asked()
      waiting.push(() => {
        asked.result = run()
        asked.onsuccess?.(new Event(''))
      })
      return asked
    }
    const live = async () => {
      for (let next; await tick(), next = waiting.shift();) next()
      over = true
    }
    this.#last = this.#last.then(live)
    return {objectStore: () => ({
      get: (key: string) => ask(() => this.records.get(key)),
      add: (value: unknown, key: string) => {
        if (this.illness === 'clones nothing') throw new DOMException('a key', 'DataCloneError')
        if (this.records.has(key)) throw new Error('added over another')
        return ask(() => this.records.set(key, value))
      },
    })}
  }
}

const tick = () => new Promise(resolve => setImmediate(resolve))

/** Channels by name, which hear each other and not themselves. */
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

/** Locks by name: who asks waits for all who asked before. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()
  /** Those who have the lock now. */
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

/** Sets a global for a test; returns what sets it back. */
export function withGlobal(name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)
  Object.defineProperty(globalThis, name, {value, configurable: true, writable: true})
  return () => before ? Object.defineProperty(globalThis, name, before) : Reflect.deleteProperty(globalThis, name)
}
