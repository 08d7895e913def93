import {doc} from './doc'
import {script} from './script'
import type {Text} from './types'

type Texts = Readonly<Record<string, string>>

/** The languages that the layer speaks. */
const spoken = ['en', 'de', 'fr', 'es', 'ja']

const texts = new Map<string, Promise<Texts>>()

/** Makes a language known that need not be loaded. */
export function know(lang: string, words: Texts): void {
  texts.set(lang, Promise.resolve(words))
}

/** The language in use: the one that is set, else the page's, else the browser's; English where we speak none of them. */
export function chosen(set: string): string {
  for (const wanted of [set, doc.documentElement.lang, ...navigator.languages]) {
    const lang = wanted.split('-')[0]!.toLowerCase()
    if (spoken.includes(lang)) return lang
  }
  return 'en'
}

/** The texts of a language; English if they can't be had. */
export async function textIn(lang: string): Promise<Text> {
  const words = await load(lang).catch(() => load(lang = 'en'))
  const number = new Intl.NumberFormat(lang)
  return (key, values = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value
  })
}

function load(lang: string): Promise<Texts> {
  const known = texts.get(lang)
  if (known) return known
  const loading: Promise<Texts> = import(script.beside(`lang-${lang}.mjs`)).then(module => module.default)
  texts.set(lang, loading)
  loading.catch(() => texts.delete(lang))
  return loading
}
