/**
 * Passkeys, a script of its own for the pages that need it: the browser asks the person, and the
 * server checks what it answers. The buttons are shown only if the browser has passkeys.
 */

type Answer = {to?: string; error?: string}

/** post sends JSON with the token of a form, and returns the JSON of the response. */
async function post(path: string, csrf: string, body: unknown): Promise<any> {
  const response = await fetch(path, {method: 'POST', headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrf}, body: JSON.stringify(body)})
  const json = await response.json()
  if (!response.ok) throw new Error(json.error)
  return json
}

const valueOf = (form: HTMLFormElement, name: string) => form.querySelector<HTMLInputElement>(`[name=${name}]`)?.value ?? ''

/** signIn asks for a passkey. */
async function signIn(form: HTMLFormElement, csrf: string): Promise<Answer> {
  const options = await post('/sign-in/passkey/options', csrf, {second: form.dataset.passkey === 'second', next: valueOf(form, 'next')})
  const credential = await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey)}) as PublicKeyCredential
  return post('/sign-in/passkey/check', csrf, credential.toJSON())
}

/** add makes a passkey. */
async function add(form: HTMLFormElement, csrf: string): Promise<Answer> {
  const options = await post('/account/passkeys/options', csrf, {name: valueOf(form, 'name').trim()})
  const credential = await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey)}) as PublicKeyCredential
  return post('/account/passkeys/add', csrf, credential.toJSON())
}

/** run does what a form is for, and shows an error there. */
async function run(form: HTMLFormElement, button: HTMLButtonElement): Promise<void> {
  const box = form.querySelector<HTMLElement>('[data-passkey-error]')!
  box.hidden = true
  button.disabled = true
  try {
    const csrf = valueOf(form, 'csrf')
    const {to} = await (form.dataset.passkey === 'add' ? add : signIn)(form, csrf)
    location.assign(to!)
  } catch (error) {
    const name = (error as Error).name
    box.textContent = name === 'NotAllowedError' || name === 'AbortError' ? 'No passkey was used. Try again.' :
      name === 'InvalidStateError' ? 'This device already has a passkey of your account.' : (error as Error).message
    box.hidden = false
    button.disabled = false
  }
}

/** start shows the buttons, and waits until one is pressed. */
function start(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>('[data-passkey]')) {
    const button = form.querySelector<HTMLButtonElement>('[data-passkey-start]')!
    form.hidden = button.hidden = false
    form.addEventListener('submit', event => {
      event.preventDefault()
      void run(form, button)
    })
    button.addEventListener('click', () => void run(form, button))
  }
}

if (window.isSecureContext && 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential) start()

export {}
