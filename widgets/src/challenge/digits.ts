/** The digits of a text as 0 to 9, whatever script they were typed in; everything else is dropped. */
export function digitsOf(text: string): string {
  return text.normalize('NFKC').replace(/\p{Nd}/gu, value).replace(/\D/g, '')
}

/** Unicode has the ten digits of a script in a row; before its nought may stand another script's ten. */
function value(digit: string): string {
  let n = 0
  while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0)! - n - 1))) n++
  return String(n % 10)
}
