/** The real program, with its own data directory and free ports. */
import {execFile, spawn} from 'node:child_process'
import {existsSync, rmSync} from 'node:fs'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'

const timeout = 60_000 // ms that a server has to start or to stop
const run = promisify(execFile)

/** The program under test: STILE_BINARY, or the result of `make build`. */
const binary = process.env.STILE_BINARY ?? fileURLToPath(new URL('../../../bin/stile', import.meta.url))

/** Returns the environment of this process without stile's settings. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('STILE_')))
}

/** An interrupted run exits normally, so that it ends the processes that it started. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

export class Server {
  /** The URL of the public listener, after the start. */
  url = ''
  /** The origin of the console, after the start. */
  admin = ''
  /** The origin of the demo tenant's site, if the flags start it. */
  demo = ''
  /** What the first start printed for the first owner: {name, password}. */
  owner = {}
  #dir = ''
  #log = []
  #process
  #start = [{}, []] // the settings and the flags

  /** Starts the program with settings such as {STILE_POLICY_SPIKE_CALLS: 3}, and flags. */
  static async start(settings, ...flags) {
    if (!existsSync(binary)) throw new Error(`${binary} is missing: run make build, or set STILE_BINARY`)
    const server = new Server()
    server.#dir = await mkdtemp(join(tmpdir(), 'stile-widgets-'))
    try {
      await server.#listen(settings, flags)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  async #listen(settings, flags) {
    this.#start = [settings, flags]
    const env = {...environment(), STILE_LISTEN: '127.0.0.1:0', STILE_ADMIN_LISTEN: '127.0.0.1:0', STILE_LOG_LEVEL: 'info', STILE_LOG_FORMAT: 'json', ...settings}
    this.#process = spawn(binary, ['serve', ...flags], {argv0: './bin/stile', cwd: this.#dir, env, stdio: ['ignore', 'pipe', 'pipe']})
    const kill = () => {
      this.#process.kill('SIGKILL')
      rmSync(this.#dir, {recursive: true, force: true})
    }
    process.once('exit', kill)
    this.#process.once('exit', () => process.off('exit', kill))
    createInterface(this.#process.stderr).on('line', line => this.#read(line))
    createInterface(this.#process.stdout).on('line', line => this.#readOwner(line))
    await this.#ready(() => this.url && (this.demo || !flags.includes('--demo')))
  }

  #read(line) {
    this.#log.push(line)
    const said = parse(line)
    if (said.msg === 'listening' && said.listener === 'public') this.url = `http://${said.address}`
    if (said.msg === 'listening' && said.listener === 'admin') this.admin = `http://localhost:${said.address.split(':').at(-1)}`
    if (said.msg === 'listening' && said.listener === 'demo') this.demo = `http://localhost:${said.address.split(':').at(-1)}`
  }

  #readOwner(line) {
    const [, name] = /Sign in as (\S+) with/.exec(line) ?? [], [, password] = /^  (\S+)$/.exec(line) ?? []
    this.owner = {...this.owner, ...(name && {name}), ...(password && {password})}
  }

  async #ready(named) {
    let ended
    this.#process.once('error', error => ended = error)
    this.#process.once('exit', code => ended = new Error(`the server ended with ${code}`))
    for (const giveUp = Date.now() + timeout; Date.now() < giveUp; await new Promise(resolve => setTimeout(resolve, 10))) {
      if (ended) throw new Error(`${ended.message}\n${this.log}`)
      if (named() && (await fetch(`${this.url}/readyz`).catch(() => ({}))).ok) return
    }
    throw new Error(`the server is not ready\n${this.log}`)
  }

  /** The server's output on standard error. */
  get log() {
    return this.#log.join('\n')
  }

  /** The working directory of the program. Its data is in data/. */
  get dir() {
    return this.#dir
  }

  /** Runs a command on the server's data and returns its output as JSON. */
  async command(...args) {
    const {stdout} = await run(binary, [...args, '--json'], {cwd: this.#dir, env: environment(), maxBuffer: 16 << 20})
    return JSON.parse(stdout)
  }

  /** Imports items. Returns the result of the import. */
  async import(items, ...flags) {
    const file = join(this.#dir, 'items.jsonl')
    await writeFile(file, items.map(item => JSON.stringify(item) + '\n').join(''))
    return this.command('content', 'import', file, ...flags)
  }

  /** Sends a form to an OAuth endpoint with the client's credentials. */
  async oauth(route, client, form) {
    const credentials = Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString('base64')
    const answer = await fetch(`${this.url}/oauth/${route}`, {
      method: 'POST', headers: {authorization: `Basic ${credentials}`}, body: new URLSearchParams(form),
    })
    if (!answer.ok) throw new Error(`/oauth/${route}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  /** Stops the program, and starts it again on other ports. change is called between the two. */
  async restart(change = async () => {}) {
    await this.#end()
    await change()
    this.url = this.admin = this.demo = ''
    await this.#listen(...this.#start)
  }

  /** Stops the program and removes its data. */
  async stop() {
    await this.#end()
    await rm(this.#dir, {recursive: true, force: true})
  }

  async #end() {
    const running = this.#process
    if (running?.pid && running.exitCode === null && running.signalCode === null) {
      const ended = new Promise(resolve => running.once('exit', resolve))
      const giveUp = setTimeout(() => running.kill('SIGKILL'), timeout)
      running.kill('SIGTERM')
      await ended
      clearTimeout(giveUp)
    }
  }
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}
