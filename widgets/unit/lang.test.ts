/** The texts of the five languages: placeholders and typography. */
import assert from 'node:assert/strict'
import {test} from 'node:test'
import deTexts from '../src/lang/de'
import deDialog from '../src/lang/dialog/de'
import enDialog from '../src/lang/dialog/en'
import esDialog from '../src/lang/dialog/es'
import frDialog from '../src/lang/dialog/fr'
import jaDialog from '../src/lang/dialog/ja'
import enTexts from '../src/lang/en'
import esTexts from '../src/lang/es'
import frTexts from '../src/lang/fr'
import jaTexts from '../src/lang/ja'

type Texts = Readonly<Record<string, string>>

const english: Texts = {...enTexts, ...enDialog}
const languages: Readonly<Record<string, Texts>> = {
  de: {...deTexts, ...deDialog}, en: english, es: {...esTexts, ...esDialog}, fr: {...frTexts, ...frDialog}, ja: {...jaTexts, ...jaDialog},
}

/** Patterns of wrong typography, by language. */
const wrong: Readonly<Record<string, RegExp>> = {
  de: /["']| [.,:;?!]|\b(du|dein|dir)\b/i,
  en: /["']| [.,:;?!…]/,
  es: /["']| [.,:;?!…]|^[^¿]*\?|^[^¡]*!/,
  fr: /["']|[^\u00a0\u202f][:;?!»]|«[^\u00a0\u202f]| [.,…]/, // a no-break space before : ; ? ! »
  ja: /["'!?:,.]| $|^ /,
}

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

for (const [lang, texts] of Object.entries(languages)) {
  test(`${lang}: each text has the placeholders of the English one`, () => {
    assert.deepEqual(Object.keys(texts).sort(), Object.keys(english).sort())
    for (const [key, text] of Object.entries(texts)) assert.deepEqual(placeholders(text), placeholders(english[key]!), key)
  })

  test(`${lang}: typography`, () => {
    for (const [key, text] of Object.entries(texts)) assert.doesNotMatch(text, wrong[lang]!, key)
  })
}
