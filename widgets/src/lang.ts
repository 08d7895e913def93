import {doc} from './doc'
import {script} from './script'
import type {Text} from './types'

type Texts = Readonly<Record<string, string>>

/** The languages of the layer. */
const languages = ['en', 'de', 'fr', 'es', 'ja']

const texts = new Map<string, Promise<Texts>>()

/** Registers the texts of a language, which then does not have to be loaded. */
export function register(lang: string, words: Texts): void {
  texts.set(lang, Promise.resolve(words))
}

/**
 * Returns the language to use: the configured one, else the page's, else the browser's, else
 * English.
 */
export function pickLanguage(set: string): string {
  for (const wanted of [set, doc.documentElement.lang, ...navigator.languages]) {
    const lang = wanted.split('-')[0]!.toLowerCase()
    if (languages.includes(lang)) return lang
  }
  return 'en'
}

/** Returns the texts of a language, or English ones if they can't be loaded. */
export async function textIn(lang: string): Promise<Text> {
  const words = await load(lang).catch(() => load(lang = 'en'))
  const number = new Intl.NumberFormat(lang)
  return Object.assign((key: string, values: Readonly<Record<string, string | number>> = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    return value === undefined ? whole : typeof value === 'number' ? number.format(value) : value
  }), {lang})
}

function load(lang: string): Promise<Texts> {
  const known = texts.get(lang)
  if (known) return known
  const loading: Promise<Texts> = import(script.urlOf(`lang-${lang}.mjs`)).then(module => module.default)
  texts.set(lang, loading)
  loading.catch(() => texts.delete(lang))
  return loading
}
