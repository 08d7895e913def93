/** What stands before the server: it notes each request, says from which address it comes, and can fail. */
import {createServer, request as send} from 'node:http'

export class Api {
  /** Every request: {method, url, path, form, headers, status}, form being its parameters, of the URL or the body, and status what
   * the server has answered. */
  requests = []
  /** The source address that the server is told, "" for the real one. */
  from = ''
  /** Called with each request before it goes on: nothing, or {status, type, body} to answer in the server's place,
   * or 'reset' to break the connection, or a promise of one of them. */
  intercept = () => undefined
  #http
  #server

  /** Takes a port, so that the server can be told its public address before it starts. */
  static async listen() {
    const api = new Api()
    api.#http = createServer((request, response) => void api.#answer(request, response))
    await new Promise(resolve => api.#http.listen(0, '127.0.0.1', resolve))
    api.origin = `http://127.0.0.1:${api.#http.address().port}`
    return api
  }

  /** Begins to hand requests over to the server. */
  serve(server) {
    this.#server = server
  }

  /** The calls of the content API, by what their path begins with. */
  calls(prefix = '/v1/') {
    return this.requests.filter(request => request.path.startsWith(prefix))
  }

  async #answer(request, response) {
    const body = await read(request)
    const url = new URL(request.url, this.origin)
    const noted = {method: request.method, url: request.url, path: url.pathname, headers: request.headers, form: new URLSearchParams(request.method === 'POST' ? body.toString() : url.search)}
    this.requests.push(noted)
    const instead = await this.intercept(noted)
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

async function read(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
