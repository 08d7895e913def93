/** The digits that a visitor may type. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import {digitsOf} from '../src/challenge/digits'

const cases = {
  '12345': '12345',
  ' 1 2-3.4,5 ': '12345',
  '１２３４５': '12345', // full-width, as typed with a Japanese keyboard
  '٠١٢٣٤٥٦٧٨٩': '0123456789', // Arabic
  '۰۱۲۳۴۵۶۷۸۹': '0123456789', // Persian
  '०१२३४५६७८९': '0123456789', // Devanagari
  '๐๑๒๓๔๕๖๗๘๙': '0123456789', // Thai
  '𝟎𝟗𝟘𝟡': '0909', // mathematical digits, where one set directly follows the next
  'five': '',
  '': '',
}

for (const [typed, digits] of Object.entries(cases))
  test(`“${typed}” is ${digits || 'nothing'}`, () => assert.equal(digitsOf(typed), digits))

test('the digits of every script have the values 0 to 9', () => {
  const all = Array.from({length: 0x110000}, (_, point) => point).filter(point => /\p{Nd}/u.test(String.fromCodePoint(point)))
  assert.ok(all.length > 600 && all.length % 10 === 0, 'Unicode has ten digits of each script')
  all.forEach((point, i) => assert.equal(digitsOf(String.fromCodePoint(point)), String(i % 10), point.toString(16)))
})
