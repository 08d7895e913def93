import type {Config} from './types'

/** What holds where the page says nothing. */
export function defaults(api: string): Config {
  return {clientId: '', token: '', tokenUrl: '', api, transport: 'auto', tokenStore: 'session', lang: '', theme: 'auto'}
}

/** Takes over what is known of what was given; the rest is a slip that the console names. */
export function take(config: Config, given: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(given))
    if (key in choices) {
      const allowed = choices[key as keyof Config]
      const text = String(value ?? '')
      if (!allowed || allowed.includes(text)) Object.assign(config, {[key]: key === 'api' ? text.replace(/\/+$/, '') : text})
      else console.warn(`stile: ${key} is one of ${allowed.join(', ')}; "${text}" is not`)
    } else console.warn(`stile: there is no setting "${key}"`)
}

const choices: Readonly<Record<keyof Config, readonly string[] | null>> = {
  clientId: null, token: null, tokenUrl: null, api: null, lang: null,
  transport: ['auto', 'form', 'jsonp'],
  tokenStore: ['session', 'memory'],
  theme: ['auto', 'light', 'dark'],
}
