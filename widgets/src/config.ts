import {script} from './script'
import type {Config} from './types'

/** The settings of the page, from the script's tag and Stile.configure(). */
export const config: Config = {
  clientId: '', token: '', tokenUrl: '', api: script.origin, transport: 'auto', tokenStore: 'session', lang: '', theme: 'auto',
}

/**
 * Applies the settings in given, which must be a copy by own(). Other members are ignored: a
 * script's tag may have further data attributes.
 */
export function applySettings(given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(config))
    if (given[key] != null) Object.assign(config, {[key]: String(given[key])})
  config.api = config.api.replace(/\/+$/, '')
}

applySettings(script.data)
