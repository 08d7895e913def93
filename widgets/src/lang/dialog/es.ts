import type {DialogTexts} from './en'

export default {
  title: 'Una breve comprobación',
  why: 'Han llegado muchas peticiones desde aquí en poco tiempo. Escriba las cifras que ve u oye para continuar.',
  alt: '{n} cifras deformadas. Para oírlas, elija «Escuchar».',
  label: 'Las {n} cifras',
  listen: 'Escuchar (inglés)',
  stop: 'Parar',
  another: 'Otra imagen',
  cancel: 'Cancelar',
  submit: 'Continuar',
  loading: 'Cargando…',
  checking: 'Comprobando…',
  short: 'Escriba las {n} cifras.',
  wrong: 'No era correcto. Aquí hay cifras nuevas.',
  old: 'Ha tardado demasiado. Aquí hay cifras nuevas.',
  next: 'Aquí hay cifras nuevas.',
  unseen: 'No se puede cargar la imagen. Pruebe con otra.',
  unheard: 'No se puede reproducir el sonido. Inténtelo de nuevo o pruebe con otra imagen.',
  unmade: 'Ahora no hay otra imagen. Inténtelo de nuevo.',
} satisfies DialogTexts
