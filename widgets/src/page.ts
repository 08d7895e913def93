/**
 * The page's core: the logic, connected to the browser. The elements import only this file, doc.ts,
 * own.ts, lang.ts, events.ts, developer.ts, part.ts and script.ts of the core.
 */
import {Client} from './client'
import {applySettings, config} from './config'
import {refusal, StileError, type TransportError} from './errors'
import {reportError} from './developer'
import {form} from './form'
import {jsonp} from './jsonp'
import {BrowserKey} from './key'
import {pickLanguage} from './lang'
import type {Ports, ProofsModule} from './ports'
import {doc} from './doc'
import {own} from './own'
import {script} from './script'
import {tabStorage} from './store'
import {tabs} from './tabs'
import {fetchToken} from './token-endpoint'
import {transport} from './transport'
import {trusted} from './trusted'
import type {Answer, ChallengeModule, Core, Params} from './types'
import {abortable, sleep} from './wait'

declare const STILE_VERSION: string // set by the build

/** The time that a call waits for the page's client_id, in ms. */
const configTimeout = 10_000

/**
 * The name that the tabs of one server and tenant share. They have one key, and can share a token.
 */
const name = () => `stile:${config.api}:${config.clientId}`
const key = new BrowserKey(name)

/**
 * Reports whether tokens are for this page only, because of its setting or because the key that
 * they are bound to is lost with the page.
 */
const isPageOnly = () => config.tokenStore === 'memory' || key.temporary

const ports: Ports = {
  config, sleep, fetchToken, trusted,
  prover: key,
  tabs: tabs(name, isPageOnly),
  now: Date.now,
  random: Math.random,
  send: transport(config, tabStorage, location.pathname, form, jsonp),
  raise: event => doc.dispatchEvent(event),
  store: {get: key => isPageOnly() ? null : tabStorage.get(key), set: (key, value) => isPageOnly() || tabStorage.set(key, value)},
  lang: () => core.lang,
  part: () => script.load<ChallengeModule>('challenge.mjs'),
}

const client = new Client(ports)

let started = false
let reportClientId = () => {}
const clientIdSet = new Promise<void>(resolve => reportClientId = resolve)

/**
 * Waits until the page has set its client_id, because elements exist before the page's own script
 * has run. It then waits for the key.
 */
async function ready(signal?: AbortSignal): Promise<void> {
  await null // so that settings made in this task are applied
  if (!config.clientId) await abortable(Promise.race([clientIdSet, sleep(configTimeout)]), signal)
  if (!config.clientId) throw new StileError(refusal('bad_request', 'data-client-id is missing', false))
  const signer = await abortable(key.ready(), signal)
  if (signer && !started) void script.load<ProofsModule>('proofs.mjs').then(m => m.wrap(ports), () => {})
  started = true
}

/**
 * Dispatches `configure` when the page has changed settings, its detail, or the token. The elements
 * dispatch `wake`, see elements/wake.ts.
 */
export const changes = new EventTarget()

const announce = (detail?: object) => changes.dispatchEvent(new CustomEvent('configure', {detail}))

/** Makes an attempt to get a token, if the last one has failed. */
export const retryToken = () => client.retry()

export const core: Core = {
  version: STILE_VERSION,
  config,
  async get<T>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>> {
    const {signal} = own(options)
    try {
      await ready(signal)
      return await client.get<T>(path, params, signal)
    } catch (error) {
      reportError(error as StileError | TransportError)
      throw error
    }
  },
  setToken(token) {
    client.setToken(String(token))
    announce()
  },
  configure(settings) {
    const given = own(settings)
    applySettings(given)
    if (started) client.configured(given)
    if (config.clientId) reportClientId()
    announce(given)
  },
  get lang() {
    return pickLanguage(config.lang, doc.documentElement.lang).slice(0, 2)
  },
}

export {trusted}
