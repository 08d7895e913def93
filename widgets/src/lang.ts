import {script} from './script'
import type {Text} from './types'

type Texts = Readonly<Record<string, string>>

const texts = new Map<string, Promise<Texts>>()

/** Registers the texts of a language, which then does not have to be loaded. */
export function register(lang: string, words: Texts): void {
  texts.set(lang, Promise.resolve(words))
}

/**
 * The language and region of a tag, for the languages of the layer: "de_DE" and "de-AT-1996" are
 * tags that pages have.
 */
const tag = /^(en|de|fr|es|ja)([-_]([a-z]{2}|\d{3}))?(?![a-z\d])/

/**
 * Returns the first of the tags whose language the layer has, as "de" or "de-at". After them, the
 * browser's languages apply, then English.
 */
export function pickLanguage(...wanted: readonly string[]): string {
  for (const one of [...wanted, ...navigator.languages]) {
    const [found] = tag.exec(one.trim().toLowerCase()) ?? []
    if (found) return found.replace('_', '-')
  }
  return 'en'
}

/** Returns the texts for a language, such as "de-at", or English ones if they can't be loaded. */
export async function textIn(lang: string): Promise<Text> {
  const words = await load(lang.slice(0, 2)).catch(() => load(lang = 'en'))
  const number = new Intl.NumberFormat(lang)
  return Object.assign((key: string, values: Readonly<Record<string, string | number>> = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name]
    if (typeof value === 'number') return number.format(value)
    // Text from right to left is isolated, so that it does not reorder numbers next to it.
    return value === undefined ? whole : /[\u0590-\u08ff]/.test(value) ? `\u2068${value}\u2069` : value
  }), {lang})
}

function load(lang: string): Promise<Texts> {
  const known = texts.get(lang)
  if (known) return known
  const loading = script.load<{readonly default: Texts}>(`lang-${lang}.mjs`).then(module => module.default)
  texts.set(lang, loading)
  loading.catch(() => texts.delete(lang))
  return loading
}
