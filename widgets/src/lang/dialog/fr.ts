import type {DialogTexts} from './en'

export default {
  title: 'Vérification rapide',
  why: 'De nombreuses requêtes ont été envoyées depuis votre connexion en peu de temps. Pour continuer, saisissez les chiffres que vous voyez ou entendez.',
  alt: '{n} chiffres déformés. Pour les entendre, choisissez « Écouter ».',
  label: 'Les {n} chiffres',
  listen: 'Écouter (anglais)',
  stop: 'Arrêter',
  another: 'Nouvelle image',
  cancel: 'Annuler',
  submit: 'Continuer',
  loading: 'Chargement…',
  checking: 'Vérification…',
  short: 'Veuillez saisir les {n} chiffres.',
  wrong: 'Ce n’est pas correct. Voici de nouveaux chiffres.',
  old: 'Le délai est dépassé. Voici de nouveaux chiffres.',
  next: 'Voici de nouveaux chiffres.',
  unseen: 'L’image n’a pas pu être chargée. Essayez une nouvelle image.',
  unheard: 'Le son n’a pas pu être lu. Réessayez ou essayez une nouvelle image.',
  unmade: 'Aucune nouvelle image n’est disponible pour l’instant. Veuillez réessayer.',
} satisfies DialogTexts
