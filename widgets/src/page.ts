/** The page's one core: the logic, wired to the browser. The elements know no other file of it but events.ts. */
import {Client} from './client'
import {defaults, take} from './config'
import {refusal, StileError} from './errors'
import {form} from './form'
import {grant} from './grant'
import {jsonp} from './jsonp'
import {prover} from './key'
import {chosen, textIn} from './lang'
import type {Ports} from './ports'
import {script} from './script'
import {tabStore} from './store'
import {Transport} from './transport'
import {trust, trusted} from './trusted'
import type {Answer, ChallengePart, Config, Core, Params} from './types'
import {abortable, sleep} from './wait'

declare const STILE_VERSION: string // set by the build

/** Milliseconds that a call waits for a page to say whose it is. */
const unconfigured = 10_000

const config: Config = defaults(script.origin)
take(config, script.data)

const tab = tabStore()
const transport = new Transport(config, tab, location.pathname, form, jsonp)

const ports: Ports = {
  config, sleep, grant, prover,
  now: Date.now,
  random: Math.random,
  send: (request, signal) => transport.send(request, signal),
  raise: event => document.dispatchEvent(event),
  store: {
    get: key => config.tokenStore === 'session' ? tab.get(key) : null,
    set: (key, value) => config.tokenStore === 'session' && tab.set(key, value),
  },
  part: (): Promise<ChallengePart> => import(script.beside('challenge.mjs')),
}

const client = new Client(ports, {trusted, get lang() { return core.lang }})

let begun = false
let identified = () => {}
const known = new Promise<void>(resolve => identified = resolve)

/** Waits until the page has said whose it is: elements are there before a page's own script has run. */
async function ready(signal?: AbortSignal): Promise<void> {
  await null // what is configured in this task counts
  if (!config.clientId) await abortable(Promise.race([known, sleep(unconfigured)]), signal)
  if (!config.clientId) throw new StileError(refusal('bad_request', 'No client id', 'The page has not said whose it is: data-client-id is missing.', false))
  trust(config.api)
  begun = true
}

export const core: Core = {
  version: STILE_VERSION,
  config,
  async get<T>(path: string, params?: Params, {signal}: {readonly signal?: AbortSignal} = {}): Promise<Answer<T>> {
    await ready(signal)
    return client.get<T>(path, params, signal)
  },
  setToken: token => client.setToken(String(token)),
  configure(given) {
    take(config, given)
    if (begun) client.configured(given)
    if (config.clientId) identified()
  },
  text: () => textIn(core.lang),
  get lang() {
    return chosen(config.lang)
  },
}

export {trusted}
