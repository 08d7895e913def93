/**
 * A person who uses only the keyboard. Elements are found by pressing Tab until the focus is at one
 * with an accessible name, so an element that the keyboard can't reach fails the test. Each must
 * show that it has the focus.
 */
import assert from 'node:assert/strict'

const most = 150 // presses of Tab

export class Keyboard {
  constructor(page) {
    this.page = page
  }

  /** Moves the focus to the element with a name, and returns it. */
  async to(name) {
    const passed = []
    for (let i = 0; i < most; i++) {
      const now = await this.page.evaluate(focused)
      if (now.name === name) {
        assert.ok(now.visible, `${name} does not show that it has the focus`)
        return
      }
      passed.push(now.name)
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`Tab does not reach ${name} on ${this.page.url()}: ${[...new Set(passed)].join(' | ')}`)
  }

  /** Presses a key at the element with a name, and waits for what it shows. */
  async press(name, shows, key = 'Enter') {
    await this.to(name)
    await this.page.keyboard.press(key)
    if (shows) await this.page.waitForSelector(shows)
  }

  /** Copies something with the button of a name, which says so for 2 s. */
  async copy(name) {
    await this.to(name)
    await Promise.all([this.page.waitForFunction(() => document.activeElement.textContent.startsWith('Copied')), this.page.keyboard.press('Enter')])
  }

  /** Presses Enter at the element with a name, and waits for the next page. */
  async follow(name) {
    await this.to(name)
    await this.submit()
  }

  /** Presses Enter, and waits for the next page. */
  async submit() {
    await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press('Enter')])
  }

  /** Types into the fields with these labels. */
  async fill(fields) {
    for (const [label, text] of Object.entries(fields)) {
      await this.to(label)
      await this.page.keyboard.type(text)
    }
  }

  /** Goes to a section by g and its letter. */
  async go(letter) {
    // The letter follows at once: the page waits only 1.5 s for it.
    await Promise.all([this.page.waitForNavigation(), this.page.keyboard.press('g'), this.page.keyboard.press(letter)])
  }

  /** Searches with /. */
  async search(text) {
    await this.page.keyboard.press('/')
    await this.page.keyboard.type(text)
    await this.submit()
  }
}

/** Runs in the page: the name of the focused element, and whether the focus is visible. */
function focused() {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect()
  const label = at.labels?.[0]?.cloneNode(true)
  label?.querySelectorAll('.quiet').forEach(part => part.remove())
  const name = at.getAttribute('aria-label') ?? label?.textContent ?? (at.matches('summary') ? at.querySelector('.who') ?? at : at).textContent
  return {
    name: at === document.body ? '' : name.replace(/\s+/g, ' ').trim(),
    visible: box.width > 0 && box.bottom > 0 && box.top < innerHeight && (style.outlineStyle !== 'none' || style.boxShadow !== 'none'),
  }
}
