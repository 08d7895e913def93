import type {DialogTexts} from './en'

export default {
  title: 'Eine kurze Prüfung',
  why: 'Von hier kamen in kurzer Zeit viele Anfragen. Geben Sie die Ziffern ein, die Sie sehen oder hören, dann geht es weiter.',
  alt: '{n} verzerrte Ziffern. Mit „Anhören“ können Sie sie stattdessen hören.',
  label: 'Die {n} Ziffern',
  listen: 'Anhören (englisch)',
  stop: 'Anhalten',
  another: 'Neues Bild',
  cancel: 'Abbrechen',
  submit: 'Weiter',
  loading: 'Wird geladen …',
  checking: 'Wird geprüft …',
  short: 'Bitte geben Sie alle {n} Ziffern ein.',
  wrong: 'Das war nicht richtig. Hier sind neue Ziffern.',
  old: 'Das hat zu lange gedauert. Hier sind neue Ziffern.',
  next: 'Hier sind neue Ziffern.',
  unseen: 'Das Bild lässt sich nicht laden. Versuchen Sie ein neues.',
  unheard: 'Der Ton lässt sich nicht abspielen. Versuchen Sie es noch einmal oder mit einem neuen Bild.',
  unmade: 'Es gibt gerade kein neues Bild. Bitte versuchen Sie es noch einmal.',
} satisfies DialogTexts
