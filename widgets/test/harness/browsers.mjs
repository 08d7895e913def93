/** The browsers of this machine. Each is started at most once in a test file, and ends with it. */
import {accessSync, constants} from 'node:fs'
import {delimiter, join} from 'node:path'
import {after} from 'node:test'
import puppeteer from 'puppeteer-core'

/** Finds the first of the names in PATH. A missing browser fails the tests: none is skipped. */
function find(...names) {
  for (const name of names)
    for (const dir of (process.env.PATH ?? '').split(delimiter))
      if (executable(join(dir, name))) return join(dir, name)
  throw new Error(`no browser: none of ${names.join(', ')} is in PATH`)
}

function executable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

class Browser {
  #started

  constructor(name, options) {
    this.name = name
    this.options = options
  }

  /** Opens a window with its own cookies and storage: {context, close}. */
  async context() {
    this.#started ??= puppeteer.launch({headless: true, timeout: 120_000, ...this.options()})
    return (await this.#started).createBrowserContext()
  }

  async end() {
    await (await this.#started)?.close()
  }
}

/** Chromium can't run as root with its sandbox. */
const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/** A host name that resolves to this machine, but is not a secure origin with plain HTTP. */
export const insecureHost = 'tenant.example'

export const chromium = new Browser('chromium', () => ({
  browser: 'chrome', executablePath: find('chromium', 'chromium-browser', 'google-chrome'),
  args: ['--disable-dev-shm-usage', `--host-resolver-rules=MAP ${insecureHost} localhost`, ...asRoot],
}))

export const firefox = new Browser('firefox', () => ({
  browser: 'firefox', executablePath: find('firefox-esr', 'firefox'), extraPrefsFirefox: {'network.dns.localDomains': insecureHost},
}))

/** Both, to say `for (const browser of browsers)`. */
export const browsers = [chromium, firefox]

after(() => Promise.all(browsers.map(browser => browser.end())))
