/**
 * Writes pictures of the dialog for review, to test/shots/ or the folder in STILE_SHOTS: light,
 * dark, narrow, in the site's accent, with two pixels for each CSS pixel, and after a wrong answer.
 */
import assert from 'node:assert/strict'
import {mkdir, stat} from 'node:fs/promises'
import {test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {chromium} from './harness.mjs'
import {answerOf} from './harness/challenges.mjs'
import {opened, press, untilPicture, untilSeen} from './harness/dialog.mjs'

const folder = process.env.STILE_SHOTS ? `${process.env.STILE_SHOTS}/` : fileURLToPath(new URL('shots/', import.meta.url))

const head = '<meta name="viewport" content="width=device-width,initial-scale=1"><style>html{color-scheme:light dark;font:17px/1.5 "TeX Gyre Pagella",Georgia,serif}</style>'

const looks = {
  light: {theme: 'light', viewport: {width: 900, height: 640}},
  dark: {theme: 'dark', viewport: {width: 900, height: 640}},
  narrow: {theme: 'light', viewport: {width: 375, height: 667}},
  accent: {theme: 'light', viewport: {width: 900, height: 640}, html: '<style>stile-list {--stile-accent: #8a1c2e; --stile-on-accent: #fff}</style><button id="before">Show more</button><stile-list></stile-list>'},
  sharp: {theme: 'light', viewport: {width: 420, height: 640, deviceScaleFactor: 2}},
  german: {theme: 'light', lang: 'de', viewport: {width: 375, height: 667}},
}

for (const [look, options] of Object.entries(looks))
  test(`a picture of the dialog: ${look}`, async t => {
    await mkdir(folder, {recursive: true})
    const {w, page} = await opened(t, chromium, {head, ...options})
    const first = await untilPicture(w, page)
    await shoot(page, `dialog-${look}`, options.viewport)
    await page.keyboard.type(String((Number(answerOf(w, first.id)) + 1) % 1e5).padStart(5, '0'))
    await press(page, 'Enter')
    await untilSeen(w, page, s => s.id !== first.id && s.width, 'the next picture')
    await shoot(page, `dialog-${look}-wrong`, options.viewport)
  })

async function shoot(page, name, {width}) {
  const file = `${folder}${name}.png`
  await page.screenshot({path: file})
  assert.ok((await stat(file)).size > 5_000, `${file} is not empty`)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `nothing is wider than ${width} pixels`)
}
