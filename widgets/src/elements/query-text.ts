/** The maximum number of characters of a query. The API refuses more. */
export const maxQuery = 512

/** The maximum number of characters of a word in a query. */
const maxWord = 64

/** Characters of which words consist, and invisible ones that don't separate words. */
const longWord = new RegExp(`([\\p{L}\\p{N}\\p{M}\\p{Cf}]{${maxWord}})[\\p{L}\\p{N}\\p{M}\\p{Cf}]+`, 'gu')

/**
 * Returns the query for a text, such as one that the visitor pasted. Longer texts are cut, and so
 * are longer words, of which the beginning remains.
 */
export function queryOf(text: string): string {
  return [...text.trim().replace(longWord, '$1')].slice(0, maxQuery).join('').trim()
}
