import type {Challenge, DialogHost, PictureChallenge, PictureDialog} from '../types'
import {digitsOf} from './digits'
import {make, makeParts, type Parts} from './parts'
import {style} from './style'
import {loadTexts, type Say} from './texts'

type Answer = string | null | undefined | Challenge
type Key = Parameters<Say>[0]

/** Dialog shows pictures. It opens at the first ask(). Later challenges replace the first. */
export class Dialog implements PictureDialog {
  readonly #options: DialogHost
  readonly #host = make('div')
  readonly #sound = new Audio()
  /** Closes the dialog if a script removes it from the page. Otherwise ask() would never settle. */
  readonly #removal = new MutationObserver(() => this.#host.isConnected || this.close())
  #opening: Promise<void> | undefined
  #say!: Say
  #parts!: Parts
  #shown: PictureChallenge | undefined
  /** The time when the current challenge expires, by performance.now(). */
  #expires = 0
  #settle: (answer: Answer) => void = () => {}
  /** Reports that a request is under way. The visitor can only cancel. */
  #busy = false
  #closed = false

  constructor(options: DialogHost) {
    this.#options = options
  }

  async ask(challenge: PictureChallenge, wrong: boolean): Promise<Answer> {
    await (this.#opening ??= this.#open())
    if (this.#closed) return null
    // The page may have answered the previous challenge, which was not shown.
    const message = !wrong || !this.#shown ? '' : performance.now() > this.#expires ? 'old' : 'wrong'
    this.#show(challenge, message)
    return new Promise(resolve => this.#settle = resolve)
  }

  /** Closes the dialog, if it is open. The browser restores the focus. */
  close(): void {
    this.#closed = true
    this.#removal.disconnect()
    this.#sound.pause()
    this.#parts?.dialog.close()
    this.#host.remove()
    this.#settle(null)
  }

  async #open(): Promise<void> {
    const {lang, theme} = this.#options
    this.#say = await loadTexts(lang)
    this.#sound.preload = 'none'
    if (this.#closed) return
    const body = Reflect.get(Document.prototype, 'body', document) as HTMLElement
    body.append(this.#host)
    const {dialog} = this.#parts = makeParts(this.#say)
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    const shadow = this.#host.attachShadow({mode: 'open'})
    shadow.adoptedStyleSheets = [sheet]
    shadow.append(dialog)
    dialog.lang = lang
    dialog.style.colorScheme = theme // "auto" is not a value, and changes nothing
    // The dialog inherits from the body, but a site may style its elements only.
    const styles = getComputedStyle(body.querySelector('stile-results,stile-search,stile-list,stile-item') ?? body)
    for (const name of ['--stile-accent', '--stile-on-accent']) dialog.style.setProperty(name, styles.getPropertyValue(name))
    this.#listen(this.#parts)
    dialog.showModal()
    this.#removal.observe(document, {childList: true, subtree: true})
  }

  #listen({dialog, form, picture, listen, another, input, cancel}: Parts): void {
    dialog.onclose = cancel.onclick = () => this.close()
    // The page's keyboard shortcuts and focus traps must not react to events in the dialog.
    for (const type of ['keydown', 'keypress', 'keyup', 'focusin']) dialog.addEventListener(type, event => event.stopPropagation())
    form.onsubmit = event => {
      event.preventDefault()
      if (!this.#busy) this.#submit()
    }
    another.onclick = () => {
      if (!this.#busy) void this.#reload()
    }
    listen.onclick = () => this.#play()
    input.oninput = event => (event as InputEvent).isComposing || this.#cleanInput()
    picture.onerror = () => this.#setMessage('unseen')
    this.#sound.onplay = this.#sound.onpause = () => listen.textContent = this.#say(this.#sound.paused ? 'listen' : 'stop')
  }

  #show(challenge: PictureChallenge, message: Key | ''): void {
    const {picture, label, input} = this.#parts
    this.#shown = challenge
    this.#expires = performance.now() + challenge.expires_in * 1000
    this.#setState(false, message || 'loading')
    this.#sound.src = `${challenge.sound}?lang=${this.#options.lang}`
    label.textContent = this.#say('label', challenge.digits)
    picture.alt = this.#say('alt', challenge.digits)
    picture.onload = () => message || this.#setMessage('')
    picture.src = challenge.picture
    input.value = ''
    input.focus()
  }

  #submit(): void {
    const answer = this.#cleanInput()
    if (answer.length < this.#shown!.digits) {
      this.#setMessage('short')
      this.#parts.input.focus()
    } else {
      this.#setState(true, 'checking')
      this.#settle(answer)
    }
  }

  async #reload(): Promise<void> {
    this.#setState(true, 'loading')
    try {
      const next = await this.#options.reload()
      if (this.#closed) return
      if (next?.kind === 'picture') this.#show(next, 'next')
      else this.#settle(next)
    } catch {
      this.#setState(false, 'unmade')
    }
  }

  /** Plays the sound or stops it. The focus moves to the input, to type while listening. */
  #play(): void {
    if (!this.#sound.paused) return this.#sound.pause()
    this.#sound.currentTime = 0
    this.#sound.play().catch(error => error.name === 'AbortError' || this.#setMessage('unheard'))
    this.#parts.input.focus()
  }

  /** Removes everything but digits from the input, limits their number, and returns them. */
  #cleanInput(): string {
    const {input} = this.#parts
    const digits = digitsOf(input.value).slice(0, this.#shown!.digits)
    if (input.value !== digits) input.value = digits
    return digits
  }

  #setState(busy: boolean, message: Key): void {
    this.#busy = busy
    this.#parts.form.classList.toggle('busy', busy)
    this.#sound.pause()
    this.#setMessage(message)
  }

  #setMessage(key: Key | ''): void {
    this.#parts.message.textContent = key && this.#say(key, this.#shown!.digits)
  }
}
