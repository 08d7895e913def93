/** What a visitor may type for digits. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {digitsOf} from '../src/challenge/digits'

const cases = {
  '12345': '12345',
  ' 1 2-3.4,5 ': '12345',
  '１２３４５': '12345', // full-width, as a Japanese keyboard gives them
  '٠١٢٣٤٥٦٧٨٩': '0123456789', // Arabic
  '۰۱۲۳۴۵۶۷۸۹': '0123456789', // Persian
  '०१२३४५६७८९': '0123456789', // Devanagari
  '๐๑๒๓๔๕๖๗๘๙': '0123456789', // Thai
  '𝟎𝟗𝟘𝟡': '0909', // mathematical ones, which have no gap between one script and the next
  'five': '',
  '': '',
}

for (const [typed, digits] of Object.entries(cases))
  test(`“${typed}” is ${digits || 'nothing'}`, () => assert.equal(digitsOf(typed), digits))

test('every script\'s digits are counted from its nought', () => {
  const all = Array.from({length: 0x110000}, (_, point) => point).filter(point => /\p{Nd}/u.test(String.fromCodePoint(point)))
  assert.ok(all.length > 600 && all.length % 10 === 0, 'Unicode has ten of each')
  all.forEach((point, i) => assert.equal(digitsOf(String.fromCodePoint(point)), String(i % 10), point.toString(16)))
})
