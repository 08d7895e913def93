/** Reports misspelt settings to the page's developer, and logs events if the page asks for that. */
import {reportMistake, withDeveloperModule} from '../developer'
import {changes, core} from '../page'
import {script} from '../script'

/** The values of settings that have a fixed set. */
const fixed: Readonly<Record<string, readonly string[]>> = {
  transport: ['auto', 'form', 'jsonp'], tokenStore: ['session', 'memory'], theme: ['auto', 'light', 'dark'],
}

/** The beginnings of settings: the script's tag may have attributes of other scripts. */
const similar = /^(cli|tok|api|tra|lan|the)/i

/**
 * Checks settings, now and when they change. If the page's events are to be logged, the elements
 * must wait for the promise that it returns.
 */
export function checkSettings(): Promise<void> | undefined {
  check(script.data, true)
  changes.addEventListener('configure', event => check((event as CustomEvent<Readonly<Record<string, unknown>> | null>).detail ?? {}, false))
  return 'debug' in script.data ? debug() : undefined
}

function check(given: Readonly<Record<string, unknown>>, isTag: boolean): void {
  if (!isTag && given['debug']) void debug()
  const isWrong = ([key, value]: [string, unknown]) => key in core.config ? value != null && fixed[key]?.includes(String(value)) === false : key !== 'debug' && (!isTag || similar.test(key))
  if (Object.entries(given).some(isWrong)) reportMistake(dev => dev.settings(given, core.config, fixed, isTag))
}

const debug = () => withDeveloperModule(dev => dev.debug())
