/**
 * The code blocks of a document, so that tests execute them as they are printed.
 *
 *   const snippets = new Snippets('docs/tenants.md')
 *   const code = snippets.take('jsx', 'export function Recipes')
 *   assert.deepEqual(snippets.left, [])
 */
import {readFileSync} from 'node:fs'

const root = new URL('../../../', import.meta.url)

export class Snippets {
  #blocks

  constructor(file) {
    this.#blocks = blocksOf(file, readFileSync(new URL(file, root), 'utf8'))
  }

  /** Returns the code of the one block of a language that contains a text, and marks it. */
  take(language, text) {
    const found = this.#blocks.filter(block => block.language === language && block.code.includes(text))
    if (found.length !== 1) throw new Error(`${found.length} ${language || 'plain'} blocks contain ${text}`)
    found[0].taken = true
    return found[0].code
  }

  /** The blocks that were never taken, as FILE:LINE: the first line. */
  get left() {
    return this.#blocks.filter(block => !block.taken).map(({at, code}) => `${at}: ${code.split('\n')[0]}`)
  }
}

function blocksOf(file, text) {
  const blocks = []
  let open
  text.split('\n').forEach((line, i) => {
    const fence = /^```(\w*)$/.exec(line)
    if (!fence) open?.lines.push(line)
    else if (open) {
      blocks.push({...open, code: open.lines.join('\n')})
      open = undefined
    } else open = {language: fence[1], at: `${file}:${i + 1}`, lines: []}
  })
  return blocks
}

/** Replaces the names of the documents by those of a test. Each must occur. */
export function replaceAll(code, names) {
  for (const [from, to] of Object.entries(names)) {
    if (!code.includes(from)) throw new Error(`${from} is not in:\n${code}`)
    code = code.replaceAll(from, to)
  }
  return code
}
