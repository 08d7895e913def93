import type {DialogTexts} from './en'

export default {
  title: 'Breve comprobación',
  why: 'Se han recibido muchas solicitudes desde su conexión en poco tiempo. Para continuar, escriba las cifras que ve u oye.',
  alt: '{n} cifras distorsionadas. Elija «Escuchar» para oírlas.',
  label: 'Las {n} cifras',
  listen: 'Escuchar (inglés)',
  stop: 'Detener',
  another: 'Otra imagen',
  cancel: 'Cancelar',
  submit: 'Continuar',
  loading: 'Cargando…',
  checking: 'Comprobando…',
  short: 'Escriba las {n} cifras.',
  wrong: 'No es correcto. Aquí tiene cifras nuevas.',
  old: 'Se ha agotado el tiempo. Aquí tiene cifras nuevas.',
  next: 'Aquí tiene cifras nuevas.',
  unseen: 'No se ha podido cargar la imagen. Pruebe con otra.',
  unheard: 'No se ha podido reproducir el audio. Inténtelo de nuevo o pruebe con otra imagen.',
  unmade: 'No hay otra imagen disponible en este momento. Inténtelo de nuevo.',
} satisfies DialogTexts
