/** A tenant's site, on another origin than the API: pages, and an address that gives tokens. */
import {createServer} from 'node:http'

const contentTypes = {html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', css: 'text/css'}

export class Site {
  /** Every request but those for the icon that browsers ask for by themselves: {method, path}. */
  requests = []
  /** What the token address answers: a function of the number of the request, from 1 on, to a token or to
   * {status, type, body}; a promise that never settles is a hang. */
  answerToken = () => this.issue()
  #pages = new Map()
  #http

  /** issue gets a fresh token, as the tenant's server does. */
  constructor(issue) {
    this.issue = issue
  }

  static async start(issue) {
    const site = new Site(issue)
    site.#http = createServer((request, response) => void site.#answer(request, response))
    await new Promise(resolve => site.#http.listen(0, 'localhost', resolve))
    site.origin = `http://localhost:${site.#http.address().port}`
    return site
  }

  /** Adds a file, and returns its address. */
  add(path, body, {csp, headers = {}, status = 200} = {}) {
    const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)] ?? 'text/html'
    this.#pages.set(path, {body, status, headers: {'content-type': `${type}; charset=utf-8`, ...(csp && {'content-security-policy': csp}), ...headers}})
    return this.origin + path
  }

  /** Requests to the token address. */
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
