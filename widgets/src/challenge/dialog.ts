import type {Challenge, DialogHost, PictureChallenge, PictureDialog} from '../types'
import {digitsOf} from './digits'
import {make, makeParts, type Parts} from './parts'
import {style} from './style'
import {loadTexts, type Say} from './texts'

type Answer = string | null | Challenge
type Key = Parameters<Say>[0]

/** The dialog for pictures. It opens at the first ask(), and later ones are shown in its place. */
export class Dialog implements PictureDialog {
  readonly #visit: DialogHost
  readonly #host = make('div')
  readonly #sound = new Audio()
  /** A page that is rebuilt may take the dialog away, and nobody would answer. */
  readonly #removal = new MutationObserver(() => this.#host.isConnected || this.close())
  #opening: Promise<void> | undefined
  #say!: Say
  #parts!: Parts
  #shown!: PictureChallenge
  /** When the challenge that is shown expires, by performance.now(). */
  #expires = 0
  #settle: (answer: Answer) => void = () => {}
  /** The server is being asked: the visitor can only cancel. */
  #busy = false
  #closed = false

  constructor(visit: DialogHost) {
    this.#visit = visit
  }

  async ask(challenge: PictureChallenge, wrong: boolean): Promise<Answer> {
    await (this.#opening ??= this.#open())
    if (this.#closed) return null
    const news = !wrong ? '' : performance.now() > this.#expires ? 'old' : 'wrong'
    this.#show(challenge, news)
    return new Promise(resolve => this.#settle = resolve)
  }

  /** Closes it, if it was not: the browser gives the focus back. */
  close(): void {
    this.#closed = true
    this.#removal.disconnect()
    this.#sound.pause()
    this.#parts?.dialog.close()
    this.#host.remove()
    this.#settle(null)
  }

  async #open(): Promise<void> {
    const {lang, theme} = this.#visit
    this.#say = await loadTexts(lang)
    this.#sound.preload = 'none'
    if (this.#closed) return
    const {dialog} = this.#parts = makeParts(this.#say)
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    const shadow = this.#host.attachShadow({mode: 'open'})
    shadow.adoptedStyleSheets = [sheet]
    shadow.append(dialog)
    dialog.lang = lang
    dialog.style.colorScheme = theme === 'auto' ? '' : theme
    this.#listen(this.#parts)
    Reflect.get(Document.prototype, 'body', document).append(this.#host)
    dialog.showModal()
    this.#removal.observe(document, {childList: true, subtree: true})
  }

  #listen({dialog, form, picture, listen, another, input, cancel}: Parts): void {
    dialog.onclose = cancel.onclick = () => this.close()
    // The page's shortcuts and its own traps for the focus are not meant for what happens here.
    for (const type of ['keydown', 'keypress', 'keyup', 'focusin']) dialog.addEventListener(type, event => event.stopPropagation())
    form.onsubmit = event => {
      event.preventDefault()
      if (!this.#busy) this.#submit()
    }
    another.onclick = () => {
      if (!this.#busy) void this.#reload()
    }
    listen.onclick = () => this.#play()
    input.oninput = event => (event as InputEvent).isComposing || this.#tidy()
    picture.onerror = () => this.#tell('unseen')
    this.#sound.onplay = this.#sound.onpause = () => listen.textContent = this.#say(this.#sound.paused ? 'listen' : 'stop')
  }

  #show(challenge: PictureChallenge, news: Key | ''): void {
    const {picture, label, input} = this.#parts
    this.#shown = challenge
    this.#expires = performance.now() + challenge.expires_in * 1000
    this.#rest(false, news || 'loading')
    this.#sound.src = `${challenge.sound}?lang=${this.#visit.lang}`
    label.textContent = this.#say('label', challenge.digits)
    picture.alt = this.#say('alt', challenge.digits)
    picture.onload = () => news || this.#tell('')
    picture.src = challenge.picture
    input.value = ''
    input.focus()
  }

  #submit(): void {
    const answer = this.#tidy()
    if (answer.length < this.#shown.digits) {
      this.#tell('short')
      this.#parts.input.focus()
    } else {
      this.#rest(true, 'checking')
      this.#settle(answer)
    }
  }

  async #reload(): Promise<void> {
    this.#rest(true, 'loading')
    try {
      const next = await this.#visit.reload(this.#shown)
      if (this.#closed) return
      if (next.kind === 'picture') this.#show(next, 'next')
      else this.#settle(next)
    } catch {
      this.#rest(false, 'unmade')
    }
  }

  /** Plays the sound, with the focus in the field to type along, or stops it. */
  #play(): void {
    if (!this.#sound.paused) return this.#sound.pause()
    this.#sound.currentTime = 0
    this.#sound.play().catch(error => error.name === 'AbortError' || this.#tell('unheard'))
    this.#parts.input.focus()
  }

  /** Leaves the digits alone in the field, and no more of them than there are. */
  #tidy(): string {
    const {input} = this.#parts
    const digits = digitsOf(input.value).slice(0, this.#shown.digits)
    if (input.value !== digits) input.value = digits
    return digits
  }

  #rest(busy: boolean, message: Key): void {
    this.#busy = busy
    this.#parts.form.classList.toggle('busy', busy)
    this.#sound.pause()
    this.#tell(message)
  }

  #tell(key: Key | ''): void {
    this.#parts.message.textContent = key && this.#say(key, this.#shown.digits)
  }
}
