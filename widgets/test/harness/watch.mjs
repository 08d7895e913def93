/** Firefox tells violations of a page's policy as errors too. */
const policy = /^Content-Security-Policy: /

/** What a page complains of: errors and warnings on its console, errors that nobody caught, violations of its policy. */
export class Watch {
  /** One line each. */
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

  /** The icon that Firefox asks for by itself is nothing of ours. */
  #add(line) {
    if (!line.includes('/favicon.ico')) this.complaints.push(line)
  }

  /** The complaints that the pattern fits. */
  of(pattern) {
    return this.complaints.filter(line => pattern.test(line))
  }
}

/** Runs in the page. Firefox tells a policy's violations on a console that is not ours to read, so we say them on the page's. */
function tellOnConsole() {
  const say = console.error.bind(console)
  document.addEventListener('securitypolicyviolation', e => say(`violation of ${e.effectiveDirective} by ${e.blockedURI} ${e.sample}`))
  addEventListener('unhandledrejection', e => say(`unhandled rejection: ${e.reason?.stack ?? e.reason}`))
}
