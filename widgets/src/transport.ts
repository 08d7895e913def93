import {StileError, TransportError} from './errors'
import type {Field, Reply, Request, Store} from './ports'
import type {Config} from './types'

/** One way to the server: rejects with a TransportError, or the signal's reason. */
export type Way = (url: string, fields: readonly Field[], signal?: AbortSignal) => Promise<unknown>

/**
 * Chooses the way of a call: the form, and scripts where the page's policy or
 * its network lets no form through. What was found out holds for the page.
 */
export class Transport {
  readonly #config: Readonly<Config>
  readonly #store: Store
  readonly #page: string
  readonly #form: Way
  readonly #jsonp: Way
  #formWorks = false

  constructor(config: Readonly<Config>, store: Store, page: string, form: Way, jsonp: Way) {
    this.#config = config
    this.#store = store
    this.#page = page
    this.#form = form
    this.#jsonp = jsonp
  }

  async send(request: Request, signal?: AbortSignal): Promise<Reply> {
    const {transport} = this.#config
    if (transport === 'form') return this.#by('POST', request, signal)
    if (transport === 'jsonp' || this.#store.get(this.#key)) return this.#by('GET', request, signal)
    try {
      const reply = await this.#by('POST', request, signal)
      this.#formWorks = true
      return reply
    } catch (fault) {
      if (!(fault instanceof TransportError) || fault.code !== 'csp' && (fault.code !== 'unreachable' || this.#formWorks)) throw fault
      return this.#otherwise(request, fault, signal)
    }
  }

  /** Tries a script, and remembers it if the server takes the call in that way. */
  async #otherwise(request: Request, fault: TransportError, signal?: AbortSignal): Promise<Reply> {
    try {
      const reply = await this.#by('GET', request, signal)
      if (!('error' in reply) || reply.error.status !== 400) this.#store.set(this.#key, 'jsonp')
      return reply
    } catch (error) {
      throw fault.code === 'csp' || signal?.aborted ? error : fault
    }
  }

  async #by(method: 'POST' | 'GET', {path, fields, prove}: Request, signal?: AbortSignal): Promise<Reply> {
    const url = this.#config.api + path
    const proof = await prove(method, url)
    const all: readonly Field[] = proof ? [...fields, ['proof', proof]] : fields
    return checked(await (method === 'POST' ? this.#form : this.#jsonp)(url, all, signal))
  }

  get #key(): string {
    return `stile:jsonp:${this.#config.api}:${this.#page}`
  }
}

/** JSON that is none of our server's is as good as none. */
function checked(body: unknown): Reply {
  const {data, error, meta = {}} = (body ?? {}) as {data?: unknown; error?: {code?: unknown}; meta?: object}
  if (typeof error?.code === 'string') return {error: error as StileError}
  if (data === undefined) throw new TransportError('unreachable')
  return {data, meta}
}
