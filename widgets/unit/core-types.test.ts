/** The types for pages in TypeScript, checked by the compiler. */
import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {test} from 'node:test'

const page = `
import {Stile as imported, StileError, TransportError, type Item, type StileCustomProperty} from './stile.js'

Stile.configure({clientId: 'acme', tokenUrl: '/stile/token', transport: 'auto', theme: 'dark'})
const version: string = imported.version

document.addEventListener('stile:token-invalid', event => {
  const {code, attempt, signal}: {code: string; attempt: number; signal: AbortSignal} = event.detail
  if (attempt < 3) event.detail.respondWith(fetch('/token?' + code, {signal}).then(answer => answer.text()))
})
document.addEventListener('stile:ready', event => event.detail.Stile.configure({debug: true}))
document.addEventListener('stile:token-renewed', event => event.detail.expiresIn?.toFixed())
document.addEventListener('stile:token-failed', event => new Date(event.detail.retryAt))
document.addEventListener('stile:blocked', event => event.detail.retryAfter?.toFixed())
document.addEventListener('stile:challenge', event => {
  if (event.detail.challenge.kind === 'picture') event.detail.respondWith(prompt(event.detail.challenge.picture))
})
document.addEventListener('stile:challenge-solved', event => event.detail.kind === 'work')

const list = document.createElement('stile-list')
list.layout = 'carousel'
list.pageSize = 6
list.addEventListener('stile:select', event => event.detail.item.title.trim())
list.addEventListener('stile:error', event => event.detail.code.trim())
const search = document.querySelector('stile-search')
if (search) search.for = document.querySelector('stile-results')?.id ?? null
document.querySelector('stile-item')!.item = 'plum-cake'
const accent: StileCustomProperty = '--stile-accent'
list.style.setProperty(accent, 'teal')

const stop = new AbortController()
Stile.get<Item[]>('/v1/items', {q: 'cake', tag: ['a', 'b'], limit: 3, collection: undefined}, {signal: stop.signal}).then(
  ({data, meta}) => [...data.map(item => item.title), meta.total, meta.next, version],
  error => error instanceof StileError ? error.ref : error instanceof TransportError && error.code === 'timeout')
`

const mistakes = [
  `Stile.configure({clientID: 'acme'})`,
  `Stile.configure({theme: 'pink'})`,
  `Stile.get('/v1/items', {q: {}})`,
  `Stile.version = '2'`,
  `document.addEventListener('stile:blocked', event => event.detail.retryAt)`,
  `document.addEventListener('stile:token-invalid', event => event.detail.respondWith(42))`,
  `document.createElement('stile-list').layuot = 'grid'`,
]

function compile(t: {after(fn: () => void): void}, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'stile-types-'))
  t.after(() => rmSync(folder, {recursive: true}))
  copyFileSync('dist/stile.d.ts', join(folder, 'stile.d.ts'))
  writeFileSync(join(folder, 'page.ts'), text)
  const options = {noEmit: true, strict: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'], types: []}
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({compilerOptions: options, files: ['page.ts']}))
  const {status, stdout} = spawnSync('node_modules/.bin/tsc', ['-p', folder], {encoding: 'utf8'})
  return status ? stdout : ''
}

test('a page in TypeScript compiles', t => assert.equal(compile(t, page), ''))

test('the compiler reports each mistake, and nothing else', t => {
  const found = compile(t, `import './stile.js'\n${mistakes.join('\n')}\n`)
  const lines = [...found.matchAll(/page\.ts\((\d+),/g)].map(match => Number(match[1]) - 2)
  assert.deepEqual([...new Set(lines)].sort(), mistakes.map((_, n) => n), found)
})

const types = readFileSync('src/stile.d.ts', 'utf8')

// The attribute `attributes` has no property: every element has another one of that name.
for (const name of ['search', 'results', 'list', 'item'])
  test(`the type of <stile-${name}> has a property for each attribute`, () => {
    const [, listed = ''] = /observedAttributes = \[(.*?)\]/s.exec(readFileSync(`src/elements/${name}.ts`, 'utf8')) ?? []
    // Every element has a property "attributes".
    const attributes = [...listed.matchAll(/'([^']+)'/g)].map(match => match[1]!).filter(name => name !== 'attributes')
      .map(name => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()))
    const type = types.slice(types.indexOf(`interface Stile${name[0]!.toUpperCase()}${name.slice(1)}Element`))
    const properties = [...type.slice(0, type.indexOf('\n}')).matchAll(/get (\w+)\(/g)].map(match => match[1])
    assert.ok(attributes.length > 2)
    assert.deepEqual(properties.sort(), attributes.sort())
  })

test('the types name each custom property that the elements use', () => {
  const used = readdirSync('src/elements').flatMap(file => readFileSync(`src/elements/${file}`, 'utf8').match(/(?<=var\()--stile-[a-z-]+/g) ?? [])
  const named = types.match(/(?<=')--stile-[a-z-]+(?=')/g) ?? []
  assert.deepEqual([...new Set(named)].sort(), [...new Set(used)].sort())
})
