/** Firefox also reports violations of a page's policy as errors. */
const policy = /^Content-Security-Policy: /

/** Records a page's complaints: console errors and warnings, uncaught errors, and violations. */
export class Watch {
  /** The complaints, one line each. */
  complaints = []

  static async begin(page) {
    const watch = new Watch()
    page.on('console', message => {
      if (['error', 'warn', 'assert'].includes(message.type())) watch.#add(`console ${message.type()}: ${message.text()} ${message.location()?.url ?? ''}`)
    })
    page.on('pageerror', error => watch.#add(`${policy.test(error?.message) ? 'policy' : 'uncaught'}: ${error?.stack ?? error}`))
    await page.evaluateOnNewDocument(tellOnConsole)
    return watch
  }

  /** Ignores the icon, which Firefox requests itself. */
  #add(line) {
    if (!line.includes('/favicon.ico')) this.complaints.push(line)
  }

  /** Returns the complaints that match the pattern. */
  of(pattern) {
    return this.complaints.filter(line => pattern.test(line))
  }
}

/**
 * Runs in the page. Logs violations, because tests can't read the console on which Firefox does.
 */
function tellOnConsole() {
  const say = console.error.bind(console)
  document.addEventListener('securitypolicyviolation', e => say(`violation of ${e.effectiveDirective} by ${e.blockedURI} ${e.sample}`))
  addEventListener('unhandledrejection', e => say(`unhandled rejection: ${e.reason?.stack ?? e.reason}`))
}
