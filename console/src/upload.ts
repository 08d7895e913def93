import {element, parse} from './dom'

/**
 * Sends forms with data-upload with a progress bar. An error is shown in its place. Without one,
 * the next page is loaded, so that it has updates of its own.
 */
export function uploads(): void {
  document.addEventListener('submit', event => {
    const form = event.target
    if (!(form instanceof HTMLFormElement) || !('upload' in form.dataset)) return
    event.preventDefault()
    send(form)
  })
}

function send(form: HTMLFormElement): void {
  const button = form.querySelector<HTMLButtonElement>('button:not([type=button])')
  const bar = element('progress'), label = element('label', 'Sending the file ')
  label.append(bar)
  form.append(label)
  if (button) button.disabled = true
  const request = new XMLHttpRequest()
  request.open('POST', form.action)
  request.upload.addEventListener('progress', event => {
    if (!event.lengthComputable) return
    bar.max = event.total
    bar.value = event.loaded
    if (event.loaded === event.total) label.firstChild?.replaceWith('The server reads the file ')
  })
  const failed = () => {
    label.textContent = 'The file was not sent. Check the connection, and send it again.'
    label.setAttribute('role', 'alert')
    if (button) button.disabled = false
  }
  request.addEventListener('error', failed)
  request.addEventListener('load', () => {
    if (request.responseURL !== form.action) return location.assign(request.responseURL)
    const page = parse(request.responseText), found = page.querySelector('main')
    if (!found) return failed()
    const main = document.importNode(found, true)
    form.closest('dialog')?.close()
    document.querySelector('main')?.replaceWith(main)
    document.title = page.title
    history.pushState(null, '', form.action)
    main.focus()
  })
  request.send(new FormData(form))
}
