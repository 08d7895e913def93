import type {DialogTexts} from '../lang/dialog/en'

/** Returns a text of the dialog. The number replaces {n} in it. */
export type Say = (key: keyof DialogTexts, n?: number) => string

/**
 * Loads the texts of a language from the folder of this file, or English ones if there are none.
 * Most visitors never need them.
 */
export async function loadTexts(lang: string): Promise<Say> {
  const load = async (lang: string): Promise<DialogTexts> => {
    const file = `./dialog-${lang}.mjs`
    return (await import(file)).default
  }
  const texts = await load(lang).catch(() => load('en'))
  return (key, n) => texts[key].replace('{n}', n as unknown as string)
}
