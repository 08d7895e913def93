/** The digits of a text as 0 to 9, whatever script they were typed in; everything else is dropped. */
export function digitsOf(text: string): string {
  return text.normalize('NFKC').replace(/\p{Nd}/gu, value).replace(/\D/g, '')
}

/** Unicode has the digits of a script in a row, and no digit before its nought. */
function value(digit: string): string {
  let n = 0
  while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0)! - n - 1))) n++
  return String(n)
}
