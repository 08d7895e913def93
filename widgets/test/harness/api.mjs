/**
 * A proxy before the server. It records requests, sets their source address, and can fail. It also
 * serves the demo's pictures, which a server without --demo does not have.
 */
import {readFile} from 'node:fs/promises'
import {createServer, request as send} from 'node:http'

/**
 * The time in ms that a connection stays open without requests: longer than a test, because a
 * request that is sent while the server closes the connection is lost.
 */
export const keepAliveTimeout = 600_000

const pictures = new URL('../../../static', import.meta.url)

export class Api {
  /**
   * Every request: {method, url, path, form, headers, status}. form has the parameters of the URL
   * or the body, and status is the status of the response.
   */
  requests = []
  /** The source address that the server receives, "" for the real one. */
  from = ''
  /**
   * Called with each request first. Returns nothing, or {status, type, body} to respond instead of
   * the server, or 'reset' to break the connection, or a promise of one of them.
   */
  intercept = () => undefined
  #http
  #server

  /** Reserves a port, so that the server's public URL is known before it starts. */
  static async listen() {
    const api = new Api()
    api.#http = createServer({keepAliveTimeout}, (request, response) => void api.#answer(request, response))
    await new Promise(resolve => api.#http.listen(0, '127.0.0.1', resolve))
    api.origin = `http://127.0.0.1:${api.#http.address().port}`
    return api
  }

  /** Starts to forward requests to the server. */
  serve(server) {
    this.#server = server
  }

  /** Returns the calls of the content API whose path starts with a prefix. */
  calls(prefix = '/v1/') {
    return this.requests.filter(request => request.path.startsWith(prefix))
  }

  async #answer(request, response) {
    const body = await read(request).catch(() => undefined) // the page has ended meanwhile
    if (!body) return
    const url = new URL(request.url, this.origin)
    const noted = {method: request.method, url: request.url, path: url.pathname, headers: request.headers, form: new URLSearchParams(request.method === 'POST' ? body.toString() : url.search)}
    this.requests.push(noted)
    const instead = await this.intercept(noted) ?? await picture(noted.path)
    if (response.destroyed) return
    if (instead === 'reset') return request.socket.destroy()
    if (instead) return response.writeHead(instead.status, {'content-type': instead.type, 'access-control-allow-origin': '*', ...instead.headers}).end(instead.body)
    this.#forward(request, body, response, noted)
  }

  #forward(request, body, response, noted) {
    const headers = {...request.headers, ...(this.from && {'x-forwarded-for': this.from})}
    const onward = send(this.#server.url + request.url, {method: request.method, headers}, answer => {
      noted.status = answer.statusCode
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    onward.end(body)
  }

  async stop() {
    this.#http.closeAllConnections()
    await new Promise(resolve => this.#http.close(resolve))
  }
}

/** The response to a request for a picture of the demo. */
async function picture(path) {
  if (!/^\/demo\/media\/[\w-]+\.svg$/.test(path)) return undefined
  const headers = {'cross-origin-resource-policy': 'cross-origin', 'cache-control': 'public, max-age=3600'}
  return {status: 200, type: 'image/svg+xml', headers, body: await readFile(new URL(`.${path}`, pictures + '/'))}
}

async function read(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
