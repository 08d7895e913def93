import {script} from './script'
import type {Config} from './types'

/** What the page configured: by the script's tag, later by Stile.configure(). */
export const config: Config = {
  clientId: '', token: '', tokenUrl: '', api: script.origin, transport: 'auto', tokenStore: 'session', lang: '', theme: 'auto',
}

/** Takes over the settings among what is given, which must be a copy by own(). A script's tag has other data too. */
export function take(given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(config))
    if (given[key] != null) Object.assign(config, {[key]: String(given[key])})
  config.api = config.api.replace(/\/+$/, '')
}

take(script.data)
