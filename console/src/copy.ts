import {at} from './dom'

/** Copies the code of a snippet when its button is pressed, and says so for 2 s. */
export function copying(): void {
  document.addEventListener('click', event => {
    const button = at<HTMLButtonElement>(event, '[data-copy]')
    const code = button?.closest('figure')?.querySelector('code')
    if (button && code) void copy(code).then(done => say(button, done ? 'Copied' : 'Select it, and press Ctrl+C'))
  })
}

/** Copies a text. Without a clipboard (plain HTTP on another host), it selects the text instead. */
async function copy(code: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? '')
    return true
  } catch {
    getSelection()?.selectAllChildren(code)
    return false
  }
}

function say(button: HTMLButtonElement, text: string): void {
  const label = button.firstChild
  if (!label || button.dataset['said']) return
  const before = label.textContent
  button.dataset['said'] = 'yes'
  label.textContent = text
  button.setAttribute('aria-live', 'polite')
  setTimeout(() => {
    label.textContent = before
    delete button.dataset['said']
  }, 2000)
}
