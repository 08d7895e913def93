import {TransportError} from './errors'
import {own} from './own'
import type {Field, Reply, Request, Store} from './ports'
import type {Config, Problem} from './types'

/** One way to the server: rejects with a TransportError, or the signal's reason. */
export type Way = (url: string, fields: readonly Field[], signal?: AbortSignal) => Promise<unknown>

/**
 * Chooses the way of each call: the form, and scripts where the page's policy or
 * its network lets no form through. What was found out is kept for the page.
 */
export function transport(config: Readonly<Config>, store: Store, page: string, form: Way, jsonp: Way): (request: Request, signal?: AbortSignal) => Promise<Reply> {
  let way = ''
  const key = () => `stile:way:${config.api}:${page}`

  const by = async (method: 'POST' | 'GET', {path, fields, prove}: Request, signal?: AbortSignal): Promise<Reply> => {
    const url = `${config.api}/${path.replace(/^\//, '')}` // never another host: "@host" would be one
    const proof = await prove(method, url)
    return checked(await (method === 'GET' ? jsonp : form)(url, proof ? [...fields, ['proof', proof]] : fields, signal))
  }

  /** Tries a script, and keeps to it if the server takes calls in that way. */
  const otherwise = async (request: Request, fault: TransportError, signal?: AbortSignal): Promise<Reply> => {
    try {
      const reply = await by('GET', request, signal)
      if (!('error' in reply && reply.error.status === 400)) store.set(key(), way = 'jsonp')
      return reply
    } catch (error) {
      throw fault.code === 'csp' || signal?.aborted ? error : fault
    }
  }

  return async (request, signal) => {
    const set = config.transport
    if (set === 'jsonp' || set !== 'form' && (way || store.get(key())) === 'jsonp') return by('GET', request, signal)
    try {
      const reply = await by('POST', request, signal)
      way = 'form'
      return reply
    } catch (fault) {
      const {code} = fault as TransportError
      if (set !== 'form' && (code === 'csp' || code === 'unreachable' && !way)) return otherwise(request, fault as TransportError, signal)
      throw fault
    }
  }
}

/** JSON that is none of our server's is as good as none. */
function checked(body: unknown): Reply {
  const {data, error, meta = {}} = own(body as {data?: unknown; error?: Problem; meta?: object} | null)
  if (typeof error?.code === 'string') return own({error})
  if (data === undefined) throw new TransportError('unreachable')
  return own({data, meta})
}
