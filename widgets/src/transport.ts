import {TransportError} from './errors'
import {own} from './own'
import type {Field, Reply, Request, Send, Store} from './ports'
import type {Config, Problem} from './types'

/** Sends a request to the server. It rejects with a TransportError, or the signal's reason. */
export type Transport = (url: string, fields: readonly Field[], signal?: AbortSignal) => Promise<unknown>

/**
 * Returns a function that chooses the transport of each request. It uses forms, or scripts if the
 * page's policy or the network blocks forms. The choice is stored for the page.
 */
export function transport(config: Readonly<Config>, store: Store, page: string, form: Transport, jsonp: Transport): Send {
  let chosen = ''
  const key = () => `stile:way:${config.api}:${page}`

  const sendBy = async (method: 'POST' | 'GET', {path, fields, prove}: Request, signal?: AbortSignal): Promise<Reply> => {
    // A path such as "@host" must not change the host.
    const url = `${config.api}/${path.replace(/^\//, '')}`
    const proof = await prove(method, url)
    return checked(await (method === 'GET' ? jsonp : form)(url, proof ? [...fields, ['proof', proof]] : fields, signal))
  }

  /** Tries a script, and continues with scripts if the server accepts them. */
  const retryByScript = async (request: Request, first: TransportError, signal?: AbortSignal): Promise<Reply> => {
    try {
      const reply = await sendBy('GET', request, signal)
      if (!('error' in reply && reply.error.status === 400)) store.set(key(), chosen = 'jsonp')
      return reply
    } catch (error) {
      throw first.code === 'csp' || signal?.aborted ? error : first
    }
  }

  return async (request, signal) => {
    const set = config.transport
    if (set === 'jsonp' || set !== 'form' && (chosen || store.get(key())) === 'jsonp') return sendBy('GET', request, signal)
    try {
      const reply = await sendBy('POST', request, signal)
      chosen = 'form'
      return reply
    } catch (error) {
      const {code} = error as TransportError
      if (set !== 'form' && (code === 'csp' || code === 'unreachable' && !chosen)) return retryByScript(request, error as TransportError, signal)
      throw error
    }
  }
}

/** Validates the JSON of a response. JSON that does not come from stile counts as no response. */
function checked(body: unknown): Reply {
  const {data, error, meta = {}} = own(body as {data?: unknown; error?: Problem; meta?: object} | null)
  if (typeof error?.code === 'string') return own({error})
  if (data === undefined) throw new TransportError('unreachable')
  return own({data, meta})
}
