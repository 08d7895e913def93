/**
 * Runs a set of tests with `node --test`, one file after another, because a small machine can't run
 * more than two browsers simultaneously. An empty set fails.
 *
 *   node test/run.mjs unit|browser|vectors [part of a file's name…]
 */
import {spawnSync} from 'node:child_process'
import {readdirSync, rmSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {buildSync} from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = join(root, 'node_modules', '.stile-unit')

const sets = {
  unit: () => build(files('unit', '.test.ts')),
  browser: () => files('test', '.test.mjs').filter(file => !file.includes('vectors-')),
  vectors: () => files('test', '.test.mjs').filter(file => file.includes('vectors-')),
}

function files(folder, ending) {
  return readdirSync(join(root, folder)).filter(name => name.endsWith(ending)).sort().map(name => join(root, folder, name))
}

/** Compiles TypeScript for Node. Stack traces refer to the sources. */
function build(entryPoints) {
  rmSync(built, {recursive: true, force: true})
  if (!entryPoints.length) return []
  // Node 18 has no global crypto.
  const banner = {js: "import {webcrypto as nodeCrypto} from 'node:crypto'; globalThis.crypto ??= nodeCrypto"}
  buildSync({entryPoints, banner, outdir: built, bundle: true, platform: 'node', format: 'esm', packages: 'external', target: 'es2022', sourcemap: 'inline', outExtension: {'.js': '.mjs'}, logLevel: 'error'})
  return readdirSync(built).sort().map(name => join(built, name))
}

const [set, ...parts] = process.argv.slice(2)
if (!sets[set]) fail(`the set must be one of ${Object.keys(sets).join(', ')}`)
const chosen = sets[set]().filter(file => !parts.length || parts.some(part => file.includes(part)))
if (!chosen.length) fail(`no test in ${set}`)
const result = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-concurrency=1', '--test-reporter=spec', ...chosen], {stdio: 'inherit', cwd: root})
process.exit(result.status ?? 1)

function fail(why) {
  console.error(why)
  process.exit(2)
}
