import type {DialogTexts} from '../lang/dialog/en'

/** A text of the dialog; {n} in it becomes the number. */
export type Say = (key: keyof DialogTexts, n?: number) => string

/** Loads the texts from beside this file, since most visitors never need them: English where there are no others. */
export async function loadTexts(lang: string): Promise<Say> {
  const load = async (lang: string): Promise<DialogTexts> => {
    const file = `./dialog-${lang}.mjs`
    return (await import(file)).default
  }
  const texts = await load(lang).catch(() => load('en'))
  return (key, n) => texts[key].replace('{n}', String(n))
}
