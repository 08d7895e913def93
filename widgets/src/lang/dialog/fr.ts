import type {DialogTexts} from './en'

export default {
  title: 'Brève vérification',
  why: 'Beaucoup de demandes sont venues d’ici en peu de temps. Saisissez les chiffres que vous voyez ou entendez pour continuer.',
  alt: '{n} chiffres déformés. Pour les entendre, choisissez « Écouter ».',
  label: 'Les {n} chiffres',
  listen: 'Écouter (anglais)',
  stop: 'Arrêter',
  another: 'Nouvelle image',
  cancel: 'Annuler',
  submit: 'Continuer',
  loading: 'Chargement…',
  checking: 'Vérification…',
  short: 'Veuillez saisir les {n} chiffres.',
  wrong: 'Ce n’était pas ça. Voici de nouveaux chiffres.',
  old: 'C’était trop long. Voici de nouveaux chiffres.',
  next: 'Voici de nouveaux chiffres.',
  unseen: 'L’image ne peut pas être chargée. Essayez-en une nouvelle.',
  unheard: 'Le son ne peut pas être lu. Réessayez, ou essayez une nouvelle image.',
  unmade: 'Pas de nouvelle image pour l’instant. Veuillez réessayer.',
} satisfies DialogTexts
