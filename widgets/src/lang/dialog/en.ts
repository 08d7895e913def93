/** The English texts of the dialog for pictures. Every other language has the same keys. */
const en = {
  title: 'A short check',
  why: 'Many requests came from your connection in a short time. To continue, type the digits that you see or hear.',
  alt: '{n} distorted digits. Choose “Listen” to hear them instead.',
  label: 'The {n} digits',
  listen: 'Listen',
  stop: 'Stop',
  another: 'New picture',
  cancel: 'Cancel',
  submit: 'Continue',
  loading: 'Loading…',
  checking: 'Checking…',
  short: 'Please type all {n} digits.',
  wrong: 'That wasn’t right. Here are new digits.',
  old: 'That took too long. Here are new digits.',
  next: 'Here are new digits.',
  unseen: 'The picture couldn’t be loaded. Try a new one.',
  unheard: 'The sound couldn’t be played. Try again, or try a new picture.',
  unmade: 'There is no new picture right now. Please try again.',
}

/** The texts of the dialog in a language. */
export type DialogTexts = Record<keyof typeof en, string>

export default en as DialogTexts
