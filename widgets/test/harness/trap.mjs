/** Detects content that runs as a program, or leaves the page. */

/**
 * Records forbidden events in .sprung, one line each. Aborts requests to other hosts than these.
 */
export class Trap {
  sprung = []
  /** The names of the frames in which something ran. */
  frames = new Set()

  static async set(page, ...origins) {
    const trap = new Trap()
    await page.evaluateOnNewDocument(springs)
    page.on('console', message => trap.#heard(message.text()))
    page.on('dialog', dialog => { trap.sprung.push(`dialog ${dialog.message()}`); void dialog.dismiss() })
    await page.setRequestInterception(true)
    page.on('request', request => trap.#asked(request, page, origins))
    return trap
  }

  #heard(text) {
    const [mark, what, frame] = text.split(' ')
    if (mark !== 'stile-trap') return
    this.frames.add(frame)
    this.sprung.push(`${what} ran`)
  }

  #asked(request, page, origins) {
    const url = request.url()
    if (request.isNavigationRequest() && request.frame() === page.mainFrame() && page.url() !== 'about:blank') this.sprung.push(`went to ${url}`)
    if (/^(data|blob|about):/.test(url) || origins.includes(new URL(url).origin)) return request.continue()
    if (request.resourceType() !== 'image') this.sprung.push(`asked for ${url}`)
    return request.abort()
  }
}

/** Runs first in every frame. The page can't undo what was sent to the console. */
function springs() {
  const say = console.info.bind(console)
  const spring = what => () => say(`stile-trap ${what} ${name}`)
  for (const what of ['alert', 'confirm', 'prompt', 'print', '__xss']) Object.defineProperty(window, what, {value: spring(what)})
}
