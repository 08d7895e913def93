/** Returns the digits of a text, in any script, as 0 to 9. Other characters are removed. */
export function digitsOf(text: string): string {
  return text.normalize('NFKC').replace(/\p{Nd}/gu, value).replace(/\D/g, '')
}

/**
 * Returns the value of a digit. In Unicode, the ten digits of a script are consecutive, and may
 * directly follow those of another script.
 */
function value(digit: string): string {
  let n = 0
  while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0)! - n - 1))) n++
  return n % 10 as unknown as string // as replace() converts it
}
