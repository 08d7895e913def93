import type {DialogTexts} from './en'

export default {
  title: 'Kurze Prüfung',
  why: 'Über Ihre Verbindung kamen in kurzer Zeit viele Anfragen. Geben Sie die Ziffern ein, die Sie sehen oder hören, um fortzufahren.',
  alt: '{n} verzerrte Ziffern. Wählen Sie „Anhören“, um sie stattdessen zu hören.',
  label: 'Die {n} Ziffern',
  listen: 'Anhören (englisch)',
  stop: 'Stopp',
  another: 'Neues Bild',
  cancel: 'Abbrechen',
  submit: 'Weiter',
  loading: 'Wird geladen …',
  checking: 'Wird geprüft …',
  short: 'Bitte geben Sie alle {n} Ziffern ein.',
  wrong: 'Das war nicht richtig. Hier sind neue Ziffern.',
  old: 'Das hat zu lange gedauert. Hier sind neue Ziffern.',
  next: 'Hier sind neue Ziffern.',
  unseen: 'Das Bild konnte nicht geladen werden. Versuchen Sie es mit einem neuen Bild.',
  unheard: 'Der Ton konnte nicht abgespielt werden. Versuchen Sie es erneut oder mit einem neuen Bild.',
  unmade: 'Zurzeit ist kein neues Bild verfügbar. Bitte versuchen Sie es erneut.',
} satisfies DialogTexts
