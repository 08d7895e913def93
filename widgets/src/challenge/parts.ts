import type {Say} from './texts'

/** The elements of the dialog that change or have listeners. */
export interface Parts {
  readonly dialog: HTMLDialogElement
  readonly form: HTMLFormElement
  readonly picture: HTMLImageElement
  readonly listen: HTMLButtonElement
  readonly another: HTMLButtonElement
  readonly label: HTMLElement
  readonly input: HTMLInputElement
  /** The live region. Screen readers only announce it if it exists before its text. */
  readonly message: HTMLElement
  readonly cancel: HTMLButtonElement
}

/** Makes the dialog and its elements. */
export function makeParts(say: Say): Parts {
  const picture = make('img')
  const listen = make('button', {type: 'button'}, say('listen'))
  const another = make('button', {type: 'button'}, say('another'))
  const label = make('label', {for: 'digits'})
  const input = make('input', {id: 'digits', inputmode: 'numeric', autocomplete: 'off', dir: 'ltr', 'aria-describedby': 'message'})
  const message = make('p', {id: 'message', role: 'status'})
  const cancel = make('button', {type: 'button'}, say('cancel'))
  const form = make('form', {},
    make('h2', {id: 'title'}, say('title')),
    make('p', {id: 'why'}, say('why')),
    picture,
    make('div', {}, listen, another),
    label, input, message,
    make('div', {}, cancel, make('button', {}, say('submit'))))
  const dialog = make('dialog', {dir: 'auto', 'aria-labelledby': 'title', 'aria-describedby': 'why'}, form)
  return {dialog, form, picture, listen, another, label, input, message, cancel}
}

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Readonly<Record<string, string>> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = Document.prototype.createElement.call(document, name) as HTMLElementTagNameMap[K]
  // Only own properties are set. An onerror on Object.prototype must not run.
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value)
  element.append(...children)
  return element
}
