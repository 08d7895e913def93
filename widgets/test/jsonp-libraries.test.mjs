/**
 * JSONP with the libraries that tenants' pages have, each in a page of its own on another origin
 * than the real server. The tenant's setting callbacks has the patterns that docs/tenants-api.md
 * lists. Libraries that npm does not have are not here: Ext, GWT, MooTools' browser build,
 * OpenLayers 2 and Prototype.
 */
import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {createServer} from 'node:http'
import {test} from 'node:test'
import {fileURLToPath} from 'node:url'
import {build} from 'esbuild'
import {chromium, harness} from './harness.mjs'

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url))
const script = path => `<script src="/m/${path}"></script>`

/**
 * What each page loads, and how it gets url, with parameters if the library writes them. got(body)
 * takes the response; params are a list and an object, as the library encodes them.
 */
const libraries = {
  jquery: {
    html: script('jquery/dist/jquery.js'), callback: /^jQuery\d+_\d+$/,
    get: (url, got) => jQuery.ajax({url, dataType: 'jsonp', data: {tag: ['cake', 'autumn'], attribute: {course: 'dessert'}}, cache: false}).then(got),
  },
  angular: {
    html: script('angular/angular.min.js'), callback: /^angular\.callbacks\._0$/,
    get: (url, got) => angular.injector(['ng']).invoke(['$http', '$sce', ($http, $sce) => $http.jsonp($sce.trustAsResourceUrl(url)).then(r => got(r.data))]),
  },
  '@angular/http': {
    html: ['rxjs/bundles/Rx.min.js', '@angular/core/bundles/core.umd.min.js', '@angular/common/bundles/common.umd.min.js', '@angular/platform-browser/bundles/platform-browser.umd.min.js', '@angular/http/bundles/http.umd.js'].map(script).join(''),
    callback: /^__ng_jsonp__\.__req0\.finished$/,
    get: (url, got) => {
      const options = new ng.http.BaseRequestOptions(), responses = new ng.http.BaseResponseOptions()
      new ng.http.Jsonp(new ng.http.ɵa(new ng.http.ɵg(), responses), options).get(`${url}&callback=JSONP_CALLBACK`).subscribe(r => got(r.json()))
    },
  },
  'dojo/io/script': {
    html: '<script src="/m/dojo/dojo.js" data-dojo-config="async: true"></script>', callback: /^dojo\.io\.script\.jsonp_dojoIoScript1\._jsonpCallback$/,
    get: (url, got) => require(['dojo/io/script'], io => io.get({url, callbackParamName: 'callback', preventCache: true, load: got})),
  },
  'dojo/request/script': {
    html: '<script src="/m/dojo/dojo.js" data-dojo-config="async: true"></script>', callback: /^dojo_request_script_callbacks\.dojo_request_script\d+$/,
    get: (url, got) => require(['dojo/request/script'], io => io.get(url, {jsonp: 'callback', preventCache: true}).then(got)),
  },
  yui: {
    html: script('yui/yui/yui-min.js'), callback: /^YUI\.Env\.JSONP\.yui_\w+$/,
    get: (url, got) => YUI({base: '/m/yui/', combine: false, fetchCSS: false}).use('jsonp', Y => Y.jsonp(`${url}&callback={callback}`, got)),
  },
  ol: {
    html: '<script type="module">import {jsonp} from "/m/ol/net.js"; globalThis.jsonp = jsonp</script>', callback: /^olc_\d+$/,
    get: (url, got) => jsonp(url, got),
  },
  jsonp: {
    html: '<script src="/bundle.js"></script>', callback: /^__jp0$/,
    get: (url, got) => bundled.jsonp(url, (error, body) => got(body)),
  },
  'axios-jsonp': {
    html: '<script src="/bundle.js"></script>', callback: /^axiosJsonpCallback1$/,
    get: (url, got) => bundled.axiosJSONP({url}).then(r => got(r.data)),
  },
  'fetch-jsonp': {
    html: script('fetch-jsonp/build/fetch-jsonp.js'), callback: /^jsonp_\d+_\d+$/,
    get: (url, got) => fetchJsonp(url).then(r => r.json()).then(got),
  },
}

/** The patterns in the table of docs/tenants-api.md. */
function documented() {
  const text = readFileSync(new URL('../../docs/tenants-api.md', import.meta.url), 'utf8')
  const [, table] = text.split('| library | `callbacks` | name |')
  return [...new Set([...table.split('\n\n')[0].matchAll(/^\|[^|]*\| `([^`|]+)` \|/gm)].map(match => match[1]))]
}

/** Serves the libraries and their pages. */
async function serve(t) {
  const {outputFiles: [bundle]} = await build({stdin: {contents: 'import jsonp from "jsonp"; import axiosJSONP from "axios-jsonp"; globalThis.bundled = {jsonp, axiosJSONP}', resolveDir: modules}, bundle: true, write: false, logLevel: 'error'})
  const pages = new Map([['/bundle.js', bundle.text]])
  const http = createServer(async (request, response) => {
    const {pathname} = new URL(request.url, 'http://localhost')
    const body = pages.get(pathname) ?? (pathname.startsWith('/m/') && !pathname.includes('..') && await readFile(modules + pathname.slice(3)).catch(() => undefined))
    response.writeHead(body ? 200 : 404, {'content-type': `${pathname.endsWith('.js') ? 'text/javascript' : 'text/html'}; charset=utf-8`}).end(body || '')
  })
  await new Promise(resolve => http.listen(0, 'localhost', resolve))
  t.after(() => http.close())
  return {origin: `http://localhost:${http.address().port}`, pages}
}

test('chromium: JSONP libraries on another origin', async t => {
  const w = await harness(t, chromium, {listed: false})
  const patterns = documented()
  assert.ok(patterns.length > 5 && patterns.length <= 16, String(patterns))
  await w.server.command('tenant', 'set', w.client.id, `callbacks=${patterns}`)
  const site = await serve(t)
  const page = await w.blank()
  for (const [name, {html, callback, get}] of Object.entries(libraries)) {
    site.pages.set('/page.html', `<!doctype html><title>${name}</title><head></head><body>${html}</body>`)
    await page.goto(`${site.origin}/page.html`)
    const before = w.api.requests.length
    const url = `${w.api.origin}/v1/items?client_id=${w.client.id}&access_token=${await w.issue()}`
    const body = await page.evaluate(`new Promise((resolve, reject) => { setTimeout(() => reject(new Error("no response")), 60000); (${get})(${JSON.stringify(url)}, resolve) })`)
    assert.equal(body.data?.length, name === 'jquery' ? 1 : 4, `${name}: ${JSON.stringify(body)}`)
    const [sent] = w.api.requests.slice(before)
    assert.match(sent.form.get('callback'), callback, name)
  }
})

test('chromium: a dotted callback that no setting lists is refused, and the detail says which setting', async t => {
  const w = await harness(t, chromium, {listed: false})
  const response = await fetch(`${w.server.url}/v1/items?client_id=${w.client.id}&callback=angular.callbacks._0`)
  const {error} = await response.json()
  assert.equal(response.status, 400)
  assert.equal(error.code, 'bad_callback')
  assert.match(error.detail, /setting callbacks/)
})
