/** The browsers of this machine, each started at most once in a test file, and ended with it. */
import {accessSync, constants} from 'node:fs'
import {delimiter, join} from 'node:path'
import {after} from 'node:test'
import puppeteer from 'puppeteer-core'

/** The first of the names that PATH has. A browser that is missing fails the tests: none is skipped. */
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

  /** A window with no cookies or storage of others: {context, close}. */
  async context() {
    this.#started ??= puppeteer.launch({headless: true, ...this.options()})
    return (await this.#started).createBrowserContext()
  }

  async end() {
    await (await this.#started)?.close()
  }
}

/** Chromium refuses to run as root with its sandbox. */
const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/** A name of this machine that browsers don't know to be one: what comes from there by plain http is not secure. */
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
