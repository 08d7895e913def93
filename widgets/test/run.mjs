/**
 * Runs a set of tests with `node --test`. Files run simultaneously, because each mostly waits for
 * its browsers. Afterwards the files that measure run, one after another. An empty set fails.
 *
 *   node test/run.mjs unit|browser|vectors [part of a file's name…]
 */
import {spawnSync} from 'node:child_process'
import {existsSync, readdirSync, rmSync} from 'node:fs'
import {availableParallelism} from 'node:os'
import {basename, dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {buildSync} from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = join(root, 'node_modules', '.stile-unit')

/** Each file needs about 1.2 GB of memory for its two browsers. */
const simultaneously = Math.min(availableParallelism(), 4)

/** The files that measure time, which other programs lengthen. */
const measuring = ['challenge-work.test.mjs', 'elements-shape.test.mjs']

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
for (const name of measuring) if (!existsSync(join(root, 'test', name))) fail(`${name} is missing: correct the list of files that measure`)
const measures = file => measuring.includes(basename(file))
const passed = [
  run(chosen.filter(file => !measures(file)), simultaneously),
  run(chosen.filter(measures), 1),
]
process.exit(passed.every(Boolean) ? 0 : 1)

/** Runs files, and reports whether all passed. */
function run(files, concurrency) {
  if (!files.length) return true
  const {status} = spawnSync(process.execPath, ['--enable-source-maps', '--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec', ...files], {stdio: 'inherit', cwd: root})
  return status === 0
}

function fail(why) {
  console.error(why)
  process.exit(2)
}
