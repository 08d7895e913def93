/**
 * The methods by which a page can make its visitors' browsers send requests with tokens of its
 * choice (S50). Each is a function of targets. A target is a request with one token, as {url,
 * jsonp, action, fields}. url and jsonp contain the fields that a form sends to action.
 */

const escape = text => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
const each = html => targets => targets.map((target, n) => html(escape(target.url), n, target)).join('')
const script = code => targets => `<script>{const targets = ${JSON.stringify(targets)}; ${code}}</script>`
const inFrame = (html, sandbox = '') => each((url, n, target) => `<iframe ${sandbox} srcdoc="${escape(html(target))}"></iframe>`)
const form = (target, method) => `<form method=${method} action="${target.action}">` +
  Object.entries(target.fields).map(([name, value]) => `<input name="${name}" value="${escape(value)}">`).join('') + '</form><script>document.forms[0].submit()</script>'
const fetching = options => script(`for (const {url} of targets) fetch(url, ${JSON.stringify(options)}).catch(() => 0)`)

/** A service worker that repeats the requests of its page as its own. */
export const worker = `addEventListener('install', () => skipWaiting()); addEventListener('activate', e => e.waitUntil(clients.claim()))
addEventListener('fetch', e => e.respondWith(fetch(e.request)))`
const byWorker = add => script(`navigator.serviceWorker.register('/worker.js').then(async () => {
  if (!navigator.serviceWorker.controller) await new Promise(resolve => navigator.serviceWorker.oncontrollerchange = resolve)
  for (const target of targets) { ${add} }
})`)

const markup = {
  'a picture': each(url => `<img referrerpolicy=no-referrer src="${url}">`),
  'a picture with crossorigin': each(url => `<img crossorigin referrerpolicy=no-referrer src="${url}">`),
  'a picture in SVG': each(url => `<svg><image href="${url}"/></svg>`),
  'a video poster': each(url => `<video poster="${url}"></video>`),
  'an input of type image': each(url => `<input type=image src="${url}">`),
  'a frame': each(url => `<iframe referrerpolicy=no-referrer src="${url}"></iframe>`),
  'a sandboxed frame': each(url => `<iframe sandbox referrerpolicy=no-referrer src="${url}"></iframe>`),
  'an object': each(url => `<object data="${url}"></object>`),
  'an embed': each(url => `<embed src="${url}">`),
  'audio': each(url => `<audio preload=auto src="${url}"></audio>`),
  'video': each(url => `<video preload=auto src="${url}"></video>`),
  'a text track': each(url => `<video crossorigin src="/none.mp4"><track default src="${url}"></video>`),
  'link preload, as an image': each(url => `<link rel=preload as=image referrerpolicy=no-referrer href="${url}">`),
  'link preload, as a script': each(url => `<link rel=preload as=script referrerpolicy=no-referrer href="${url}">`),
  'link preload, as a fetch': each(url => `<link rel=preload as=fetch crossorigin referrerpolicy=no-referrer href="${url}">`),
  'link modulepreload': each(url => `<link rel=modulepreload referrerpolicy=no-referrer href="${url}">`),
  'a style sheet': each(url => `<link rel=stylesheet referrerpolicy=no-referrer href="${url}">`),
  'an import of a style sheet': each(url => `<style>@import "${url.replaceAll('&amp;', '&')}"</style>`),
  'a CSS background': each((url, n) => `<style>#b${n} {background: url("${url.replaceAll('&amp;', '&')}")}</style><p id=b${n}>x</p>`),
  'a CSS font': each((url, n) => `<style>@font-face {font-family: f${n}; src: url("${url.replaceAll('&amp;', '&')}")} #f${n} {font-family: f${n}}</style><p id=f${n}>x</p>`),
  'a script': each((url, n, target) => `<script async referrerpolicy=no-referrer src="${escape(target.jsonp)}"></script>`),
  'a script with crossorigin': each((url, n, target) => `<script async crossorigin referrerpolicy=no-referrer src="${escape(target.jsonp)}"></script>`),
  'a module': each((url, n, target) => `<script type=module referrerpolicy=no-referrer src="${escape(target.jsonp)}"></script>`),
  'a form in a frame, GET': inFrame(target => form(target, 'get')),
  'a form in a frame, POST': inFrame(target => form(target, 'post')),
  'a form in a sandboxed frame, POST': inFrame(target => form(target, 'post'), 'sandbox="allow-scripts allow-forms"'),
  'meta refresh in a frame': inFrame(({url}) => `<meta http-equiv=refresh content="0;url=${escape(url)}">`),
}

const code = {
  'fetch, no-cors': fetching({mode: 'no-cors', referrerPolicy: 'no-referrer'}),
  'fetch, cors': fetching({referrerPolicy: 'no-referrer'}),
  'fetch, keepalive': fetching({mode: 'no-cors', keepalive: true, referrerPolicy: 'no-referrer'}),
  'fetch, no-cors, POST': script("for (const {action, fields} of targets) fetch(action, {method: 'POST', mode: 'no-cors', referrerPolicy: 'no-referrer', body: new URLSearchParams(fields)}).catch(() => 0)"),
  'fetch in a sandboxed frame': inFrame(({url}) => `<script>fetch(${JSON.stringify(url)}, {mode: 'no-cors'})</script>`, 'sandbox="allow-scripts"'),
  'fetch in a frame from data:': each((url, n, target) => `<iframe src="data:text/html,${escape(encodeURIComponent(`<script>fetch(${JSON.stringify(target.url)}, {mode: 'no-cors'})</script>`))}"></iframe>`),
  'fetch in a frame from blob:': script("for (const {url} of targets) { const f = document.createElement('iframe'); f.src = URL.createObjectURL(new Blob([`<script>fetch('${url}', {mode: 'no-cors', referrerPolicy: 'no-referrer'})<\\/script>`], {type: 'text/html'})); document.body.append(f) }"),
  'fetch in a worker': script("new Worker(URL.createObjectURL(new Blob([targets.map(({url}) => `fetch('${url}', {mode: 'no-cors', referrerPolicy: 'no-referrer'})`).join(';')])))"),
  'importScripts in a worker': targets => `<script>new Worker(URL.createObjectURL(new Blob([${JSON.stringify(targets.map(target => `try { importScripts('${target.jsonp}') } catch {}`).join(';'))}])))</script>`,
  'XMLHttpRequest': script("for (const {url} of targets) { const x = new XMLHttpRequest; x.open('GET', url); x.send() }"),
  'sendBeacon': script('for (const {action, fields} of targets) navigator.sendBeacon(action, new URLSearchParams(fields))'),
  'EventSource': script('for (const {url} of targets) new EventSource(url)'),
  'WebSocket': script("for (const {url} of targets) new WebSocket(url.replace('http', 'ws'))"),
  'import()': script('for (const {jsonp} of targets) import(jsonp).catch(() => 0)'),
  'speculation rules, prefetch': targets => `<script type=speculationrules>${JSON.stringify({prefetch: [{source: 'list', eagerness: 'immediate', referrer_policy: 'no-referrer', urls: targets.map(({url}) => url)}]})}</script>`,
  'a ping': script("for (const {url} of targets) { const a = document.createElement('a'); a.ping = url; a.href = '#'; document.body.append(a); a.click() }"),
}

/**
 * These need a page of their own: Firefox prefetches after loading, and a worker intercepts all.
 */
const alone = {
  'link prefetch': each(url => `<link rel=prefetch referrerpolicy=no-referrer href="${url}">`),
  'a picture through a service worker': byWorker("const i = new Image; i.referrerPolicy = 'no-referrer'; i.src = target.url; document.body.append(i)"),
  'a script through a service worker': byWorker("const s = document.createElement('script'); s.referrerPolicy = 'no-referrer'; s.src = target.jsonp; document.body.append(s)"),
}

/** A window shows one document, so these use one token each. */
const windows = {
  'a navigation': script('location = targets[0].url'),
  'meta refresh': each(url => `<meta http-equiv=refresh content="0;url=${url}">`),
  'a form, GET': ([target]) => form(target, 'get'),
  'a form, POST': ([target]) => form(target, 'post'),
  'a window': script("window.open(targets[0].url, '_blank', 'noreferrer')"),
}

/**
 * The page's server can add headers, and redirects if a site of the tenant redirects to any URL.
 */
const served = {
  'reports of violations': targets => ({csp: `img-src 'none'; report-uri ${targets.map(({url}) => url).join(' ')}`, html: '<img src="/violation.png">'}),
  'a header Link, as a script': targets => ({headers: {link: targets.map(({url}) => `<${url}>; rel=preload; as=script; referrerpolicy=no-referrer`).join(', ')}, html: ''}),
  'a script redirected by the tenant\'s site': (targets, site) => ({html: markup['a script'](redirected(site, targets))}),
  'a fetch, no-cors, redirected by the tenant\'s site': (targets, site) => ({html: code['fetch, no-cors'](redirected(site, targets))}),
  'a fetch, cors, redirected by the tenant\'s site': (targets, site) => ({html: code['fetch, cors'](redirected(site, targets))}),
}

function redirected(site, targets) {
  const by = (path, location) => site.add(path, '', {status: 302, headers: {location, 'access-control-allow-origin': '*', 'referrer-policy': 'unsafe-url'}})
  return targets.map(({url, jsonp}, n) => ({url: by(`/to/${n}`, url), jsonp: by(`/jsonp/${n}`, jsonp)}))
}

const listOf = (ways, more) => Object.entries(ways).map(([name, html]) => ({name, make: targets => ({html: html(targets)}), ...more}))

/**
 * Each weapon has a name, and make, which returns the page that uses it, as {html, csp, headers},
 * from the targets and the tenant's site. It states whether it needs a page of its own, and how
 * many tokens that page uses.
 */
export const weapons = [
  ...listOf({...markup, ...code}),
  ...listOf(alone, {alone: true}),
  ...listOf(windows, {alone: true, count: 1}),
  {name: 'a header Refresh', alone: true, count: 1, make: ([{url}]) => ({headers: {refresh: `0;url=${url}`}, html: ''})},
  ...Object.entries(served).map(([name, make]) => ({name, alone: true, make})),
]
