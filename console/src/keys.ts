import {at, element, isTyping} from './dom'
import {show} from './dialogs'

const off = 'stile-console-keys-off' // in localStorage
const patience = 1500 // ms between g and the letter

/** Handles the keys: / searches, g and a letter go to a section, ? shows the keys. */
export function keys(): void {
  let went = 0 // when g was pressed
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping() || document.querySelector('dialog[open]')) return
    const section = event.timeStamp - went < patience ? sections().find(link => link.dataset['key'] === event.key) : undefined
    went = 0
    if (event.key === '?') {
      event.preventDefault()
      help()
    } else if (localStorage.getItem(off)) {
      return
    } else if (section) {
      event.preventDefault()
      location.assign(section.href)
    } else if (event.key === 'g') {
      went = event.timeStamp
    } else if (event.key === '/') {
      event.preventDefault()
      document.querySelector<HTMLElement>('#search')?.focus()
    }
  })
  document.addEventListener('click', event => {
    if (at(event, '[data-keys]')) help()
  })
}

function sections(): HTMLAnchorElement[] {
  return [...document.querySelectorAll<HTMLAnchorElement>('.side a[data-key]')]
}

/** Shows the keys. They can be turned off: a person who dictates would press them by accident. */
function help(): void {
  const list = element('dl')
  list.className = 'keys'
  const line = (text: string, ...pressed: string[]) => {
    const term = element('dt')
    for (const key of pressed) term.append(element('kbd', key), ' ')
    list.append(term, element('dd', text))
  }
  line('Search', '/')
  line('Show this list', '?')
  for (const link of sections()) line(link.textContent ?? '', 'g', link.dataset['key'] ?? '')
  const label = element('label', ' Use these keys')
  const box = element('input')
  box.type = 'checkbox'
  box.checked = !localStorage.getItem(off)
  box.addEventListener('change', () => (box.checked ? localStorage.removeItem(off) : localStorage.setItem(off, 'yes')))
  label.prepend(box)
  show('Keyboard', list, label)
}
