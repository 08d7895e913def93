/** A tenant's site on another origin than the API, with pages and a token URL. */
import {createServer} from 'node:http'
import {keepAliveTimeout} from './api.mjs'

const contentTypes = {html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', css: 'text/css'}

export class Site {
  /** Every request except those for the icon: {method, path}. */
  requests = []
  /**
   * The response of the token URL: a function of the number of the request, from 1. It returns a
   * token, or {status, type, body}. A promise that never settles simulates a hang.
   */
  answerToken = () => this.issue()
  #pages = new Map()
  #http

  /** issue gets a new token, as the tenant's server does. */
  constructor(issue) {
    this.issue = issue
  }

  static async start(issue) {
    const site = new Site(issue)
    site.#http = createServer({keepAliveTimeout}, (request, response) => void site.#answer(request, response))
    await new Promise(resolve => site.#http.listen(0, 'localhost', resolve))
    site.origin = `http://localhost:${site.#http.address().port}`
    return site
  }

  /** Adds a file, and returns its URL. */
  add(path, body, {csp, headers = {}, status = 200} = {}) {
    const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)] ?? 'text/html'
    this.#pages.set(path, {body, status, headers: {'content-type': `${type}; charset=utf-8`, ...(csp && {'content-security-policy': csp}), ...headers}})
    return this.origin + path
  }

  /** The number of requests to the token URL. */
  get tokenRequests() {
    return this.requests.filter(request => request.path === '/stile/token').length
  }

  async #answer(request, response) {
    const path = new URL(request.url, this.origin).pathname
    if (path === '/favicon.ico') return response.writeHead(204).end()
    this.requests.push({method: request.method, path})
    if (path === '/stile/token' && request.method === 'POST') return this.#giveToken(response)
    const page = this.#pages.get(path)
    if (!page) return response.writeHead(404).end('not here')
    response.writeHead(page.status, {'cache-control': 'no-store', ...page.headers}).end(page.body)
  }

  async #giveToken(response) {
    let given
    try {
      given = await this.answerToken(this.tokenRequests)
    } catch (error) {
      given = {status: 500, type: 'text/plain', body: String(error)}
    }
    if (typeof given === 'string') given = {status: 200, type: 'application/json', body: JSON.stringify({access_token: given})}
    response.writeHead(given.status, {'content-type': given.type, 'cache-control': 'no-store'}).end(given.body)
  }

  async stop() {
    this.#http.closeAllConnections()
    await new Promise(resolve => this.#http.close(resolve))
  }
}
