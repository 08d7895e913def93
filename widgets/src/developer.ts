import {config} from './config'

const reported = new Set<string>()

/**
 * Tells the page's developer about a mistake, on the console. A mistake is reported once for its
 * key. It must be the page's: never report what a visitor, network or server causes.
 */
export function developerError(key: string, text: string, code = 'bad_request'): void {
  if (reported.has(key)) return
  reported.add(key)
  console.error(`[stile] ${text}, see ${config.api}/problems/${code}`)
}
