/** The page's one core: the logic, wired to the browser. The elements know no other file of it but events.ts. */
import {Client} from './client'
import {config, take} from './config'
import {refusal, StileError} from './errors'
import {form, grant} from './form'
import {jsonp} from './jsonp'
import {BrowserKey} from './key'
import {chosen, textIn} from './lang'
import {doc} from './doc'
import {own} from './own'
import {script} from './script'
import {tab} from './store'
import {tabs} from './tabs'
import {transport} from './transport'
import {trusted} from './trusted'
import type {Answer, ChallengePart, Core, Params, Text} from './types'
import {abortable, sleep} from './wait'

declare const STILE_VERSION: string // set by the build

/** Milliseconds that a call waits for a page to say whose it is. */
const unconfigured = 10_000

/** Tabs of the same server and tenant are one browser: they have one key, and may have one token. */
const name = () => `stile:${config.api}:${config.clientId}`
const key = new BrowserKey(name)

/** Whether tokens are for this page alone: it was told so, or what they are bound to ends with it. */
const alone = () => config.tokenStore === 'memory' || key.fleeting

const client = new Client({
  config, sleep, grant, trusted,
  prover: key,
  tabs: tabs(name, alone),
  now: Date.now,
  random: Math.random,
  send: transport(config, tab, location.pathname, form, jsonp),
  raise: event => doc.dispatchEvent(event),
  store: {get: key => alone() ? null : tab.get(key), set: (key, value) => alone() || tab.set(key, value)},
  lang: () => core.lang,
  part: (): Promise<ChallengePart> => import(script.beside('challenge.mjs')),
})

let begun = false
let identified = () => {}
const known = new Promise<void>(resolve => identified = resolve)

/** Waits until the page has said whose it is: elements are there before a page's own script has run. */
async function ready(signal?: AbortSignal): Promise<void> {
  await null // what is configured in this task counts
  if (!config.clientId) await abortable(Promise.race([known, sleep(unconfigured)]), signal)
  if (!config.clientId) throw new StileError(refusal('bad_request', 'data-client-id is missing', false))
  await abortable(key.ready(), signal)
  begun = true
}

export const core: Core = {
  version: STILE_VERSION,
  config,
  async get<T>(path: string, params?: Params, options?: {readonly signal?: AbortSignal}): Promise<Answer<T>> {
    const {signal} = own(options)
    await ready(signal)
    return client.get<T>(path, params, signal)
  },
  setToken: token => client.setToken(String(token)),
  configure(settings) {
    const given = own(settings)
    take(given)
    if (begun) client.configured(given)
    if (config.clientId) identified()
  },
  get lang() {
    return chosen(config.lang)
  },
}

/** The texts of the language in use; English if they can't be had. */
export const texts = (): Promise<Text> => textIn(core.lang)

export {trusted}
