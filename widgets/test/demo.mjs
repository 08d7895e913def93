/** The demo tenant's site, `stile serve --demo`, in a browser. */
import {Server} from './harness/server.mjs'
import {Watch} from './harness/watch.mjs'

const timeout = 60_000 // ms to wait for a condition

/** Starts the demo on free ports, with a budget for many tokens. stop() ends it. */
export function startDemo() {
  return Server.start({STILE_POLICY_ADDRESS_BINDINGS: 30_000}, '--demo', '--demo-listen', '127.0.0.1:0')
}

/** A window of a browser with a page of the magazine in it. */
export class Magazine {
  static async open(browser, server, path = '/', {width = 1440, height = 1000, scheme = 'light'} = {}) {
    const m = new Magazine()
    m.context = await browser.context()
    m.page = await m.context.newPage()
    m.watch = await Watch.begin(m.page)
    await m.page.setViewport({width, height})
    if (browser.name === 'chromium') await m.page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}])
    await m.page.goto(server.demo + path)
    return m
  }

  close() {
    return this.context.close()
  }

  /** Waits until fn, run in the page, returns a true value, and returns it. */
  async until(fn, ...args) {
    for (const end = Date.now() + timeout; ; await new Promise(resolve => setTimeout(resolve, 20))) {
      const got = await this.page.evaluate(fn, ...args).catch(error => /context|navigat/i.test(error.message) ? null : Promise.reject(error))
      if (got) return got
      if (Date.now() > end) throw new Error(`timed out waiting for ${fn}\n${(await this.lines()).join('\n')}\n${this.watch.complaints.join('\n')}`)
    }
  }

  /** Waits until each of the elements shows the title of an item. */
  untilShown(...elements) {
    return this.until(names => names.every(name => document.querySelector(name)?.shadowRoot?.querySelector('[part=card], article [part=title]')), elements)
  }

  /** The lines of the panel's log, the oldest first: "who: what happened. details". */
  lines() {
    return this.page.evaluate(() => [...document.querySelectorAll('#panel-events li')].map(line => {
      const [who, title, text] = ['.who', 'b', 'p'].map(part => line.querySelector(part)?.textContent ?? '')
      return `${who}: ${title}. ${text}`
    }).reverse())
  }

  /**
   * Waits until the front page's own calls have ended, and the panel has shown the token after the
   * last of them. A call that trouble refuses would be in the log before it.
   */
  async untilQuiet() {
    await this.untilShown('#cover', '#giants', '#tiny', '#results')
    await this.until(() => {
      const calls = [...document.querySelectorAll('#panel-events p')].map(({textContent}) => Number(/^Call (\d+) of /.exec(textContent)?.[1] ?? 0))
      return parseInt(document.querySelector('#token-calls').textContent) >= Math.max(1, ...calls)
    })
  }

  /** Presses a button that makes trouble. Returns the log's lines until the page has continued. */
  async trouble(name) {
    await this.untilQuiet()
    const before = (await this.lines()).length
    await this.page.focus(`[data-trouble=${name}]`)
    await this.page.keyboard.press('Enter')
    await this.until(() => Boolean(document.querySelector('[data-trouble][aria-disabled=false]')))
    return (await this.lines()).slice(before)
  }

  /** Returns a value of the token in the panel. */
  token(what) {
    return this.page.$eval(`#token-${what}`, node => node.textContent)
  }
}
