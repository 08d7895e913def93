import {at, parse} from './dom'

/** Opens the forms of links with data-dialog as dialogs. Without script they are pages. */
export function dialogs(): void {
  document.addEventListener('click', event => {
    const close = at<HTMLElement>(event, '[data-close]')
    const dialog = close?.closest('dialog')
    if (dialog) {
      event.preventDefault()
      dialog.close()
      return
    }
    const link = at<HTMLAnchorElement>(event, 'a[data-dialog]')
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    open(link.href).catch(() => location.assign(link.href))
  })
}

async function open(url: string): Promise<void> {
  const response = await fetch(url)
  const form = parse(await response.text()).querySelector('[data-form]')
  if (!response.ok || response.redirected || !form) throw new Error('not a form')
  const body = document.importNode(form, true)
  rename(body)
  const dialog = document.createElement('dialog')
  dialog.setAttribute('aria-labelledby', 'dialog-title')
  const title = body.querySelector('h1')
  if (title) title.id = 'dialog-title'
  dialog.append(body)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
  body.querySelector<HTMLElement>('input:not([type=hidden]), textarea, select')?.focus()
}

/** Gives the elements of a dialog other ids than those of the page. */
function rename(body: Element): void {
  for (const name of ['id', 'for', 'aria-describedby'])
    for (const part of body.querySelectorAll(`[${name}]`))
      part.setAttribute(name, (part.getAttribute(name) ?? '').split(' ').map(id => `dialog-${id}`).join(' '))
}

/** Shows a dialog with a title, a body, and a control next to the button that closes it. */
export function show(title: string, body: Node, control: Node): void {
  const dialog = document.createElement('dialog')
  const heading = document.createElement('h1')
  heading.textContent = title
  heading.id = 'dialog-title'
  dialog.setAttribute('aria-labelledby', heading.id)
  const close = document.createElement('button')
  close.textContent = 'Close'
  close.dataset['close'] = ''
  const actions = document.createElement('div')
  actions.className = 'actions'
  actions.append(control, close)
  dialog.append(heading, body, actions)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}
