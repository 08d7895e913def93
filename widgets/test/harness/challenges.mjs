/**
 * Challenges of the real server, their answers, and pages with challenge.mjs but without the core.
 */
import {createDecipheriv, hkdfSync, pbkdf2Sync} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {buildSync} from 'esbuild'

const source = path => fileURLToPath(new URL(`../../src/${path}`, import.meta.url))
const langs = ['en', 'de', 'fr', 'es', 'ja']

/** The files that the API serves under /widgets/part/, in addition to the server's. */
const files = new Map([
  ['/widgets/part/challenge.mjs', bundle('challenge/index.ts')],
  ...langs.map(lang => [`/widgets/part/dialog-${lang}.mjs`, bundle(`lang/dialog/${lang}.ts`)]),
])

function bundle(path) {
  return buildSync({entryPoints: [source(path)], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false}).outputFiles[0].text
}

/**
 * Serves challenge.mjs from the API's origin. `instead` has precedence: texts by path, or a
 * function as in Api.intercept.
 */
export function serveParts(w, instead = () => undefined) {
  w.api.intercept = call => {
    const body = files.get(call.path)
    return instead(call) ?? (body === undefined ? undefined : {status: 200, type: 'text/javascript', body})
  }
}

/** Sends a form to the content API, like the tenant's page. */
export async function send(w, token, path, form = {}) {
  const body = new URLSearchParams({client_id: w.client.id, access_token: token, ...form})
  const answer = await fetch(w.api.origin + path, {method: 'POST', body, headers: {origin: w.site.origin}})
  return answer.json()
}

/** Calls until the server issues a challenge: {token, challenge}. */
export async function challenged(w) {
  const token = await w.issue()
  for (let calls = 0; calls < 20; calls++) {
    const {error} = await send(w, token, '/v1/items')
    if (error?.challenge) return {token, challenge: error.challenge}
  }
  throw new Error('no challenge in 20 calls')
}

/**
 * Returns the correct answer. The id contains the challenge's data, encrypted with a key of the
 * server (challenge/seal.go). The test reads the server's key file.
 */
export function answerOf(w, id) {
  const {secret_key: secret} = JSON.parse(readFileSync(join(w.server.dir, 'data', 'keys.json'), 'utf8'))
  const key = hkdfSync('sha256', Buffer.from(secret, 'base64'), '', 'stile: sealed challenges, 1', 32)
  const box = Buffer.from(id, 'base64url')
  const open = createDecipheriv('aes-256-gcm', Buffer.from(key), box.subarray(0, 12))
  open.setAuthTag(box.subarray(-16))
  const plain = Buffer.concat([open.update(box.subarray(12, -16)), open.final()])
  const digits = plain.readUInt8(24)
  return String(plain.readUInt32BE(25)).padStart(digits, '0')
}

/** Returns work like the server's, whose answer is the counter. */
export function workOf(counter) {
  const nonce = '000102030405060708090a0b0c0d0e0f'
  const salt = 'f0e0d0c0b0a090807060504030201000'
  const password = Buffer.from(nonce + counter.toString(16).padStart(8, '0'), 'hex')
  const keyPrefix = pbkdf2Sync(password, Buffer.from(salt, 'hex'), 1000, 16, 'sha256').toString('hex')
  return {id: 'of-a-test', kind: 'work', expires_in: 300, calls_left: 5, parameters: {algorithm: 'PBKDF2/SHA-256', nonce, salt, cost: 1000, keyLength: 32, keyPrefix}}
}
