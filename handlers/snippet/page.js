/**
 * The script of the page /snippet. It answers the calls of the preview's elements from made-up
 * items, writes the snippet while the visitor types, and copies it. Without it the page works too:
 * its form loads the page again.
 *
 * It runs before the widget layer, which keeps the page's fetch when it loads.
 */
'use strict'

{
const items = [
  {id: 'plum-cake', collection: 'baking', title: 'Plum cake', summary: 'A cake for the end of summer, with a crumble on top.', tags: ['cake', 'autumn'], attributes: {course: 'Dessert', minutes: 50}, published_at: '2026-09-01T00:00:00Z'},
  {id: 'onion-soup', collection: 'soups', title: 'Onion soup', summary: 'Slow onions, good bread, and cheese that melts into both.', tags: ['soup', 'winter'], attributes: {course: 'Starter', minutes: 90}, published_at: '2026-01-10T00:00:00Z'},
  {id: 'apple-tart', collection: 'baking', title: 'Apple tart', summary: 'Thin slices on puff pastry, ready in less than an hour.', tags: ['cake', 'autumn'], attributes: {course: 'Dessert', minutes: 45}, published_at: '2026-10-03T00:00:00Z'},
  {id: 'pumpkin-soup', collection: 'soups', title: 'Pumpkin soup', summary: 'Roasted first, so that it tastes of more than cream.', tags: ['soup', 'autumn'], attributes: {course: 'Starter', minutes: 60}, published_at: '2026-10-20T00:00:00Z'},
  {id: 'walnut-bread', collection: 'baking', title: 'Walnut bread', summary: 'Rises overnight, and is in the oven before breakfast.', tags: ['bread', 'winter'], attributes: {course: 'Side', minutes: 70}, published_at: '2026-02-14T00:00:00Z'},
  {id: 'lemon-curd', collection: 'preserves', title: 'Lemon curd', summary: 'Four lemons make two jars. Neither lasts a week.', tags: ['spring'], attributes: {course: 'Dessert', minutes: 25}, published_at: '2026-04-05T00:00:00Z'},
].map(item => ({...item, image: `${location.origin}/snippet/${item.id}.svg`, url: `https://publisher.example/${item.id}`, updated_at: item.published_at}))

const token = {calls: 1, calls_limit: 2000, expires_in: 86_000}
const valueOf = (item, name) => name === 'tag' ? item.tags : name === 'collection' ? [item.collection] : [item.attributes[name]].filter(value => value !== undefined).map(String)
const has = (item, name, value) => valueOf(item, name).includes(value)

/** Returns the items that match a request's parameters. A value that no item has is ignored. */
function search(params) {
  const words = (params.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const filters = [...params].map(([name, value]) => [name.replace(/^attribute\./, ''), value])
    .filter(([name, value]) => items.some(item => has(item, name, value)))
  const found = items.filter(item => words.every(word => `${item.title} ${item.summary} ${item.tags}`.toLowerCase().includes(word))
    && filters.every(([name, value]) => has(item, name, value)))
  return params.get('sort') === 'title' ? found.sort((a, b) => a.title.localeCompare(b.title)) : found
}

/** Returns the values of a facet with their number, the most frequent first. */
function facet(name, found) {
  const counts = new Map()
  for (const item of found) for (const value of valueOf(item, name)) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1]).map(([value, count]) => ({value, count}))
}

/** Returns the body of the response to a request of an element. */
function answer(path, params) {
  const id = decodeURIComponent(path.split('/')[3] ?? ''), item = items.find(item => item.id === id)
  if (path === '/v1/suggest') return {data: search(params).map(({title, id, collection}) => ({text: title, id, collection})), meta: {token}}
  if (path.endsWith('/related') && item) return {data: items.filter(one => one !== item && one.tags.some(tag => has(item, 'tag', tag))).slice(0, 4), meta: {token}}
  if (item) return {data: {...item, body: `<p>${item.summary}</p><h2>Method</h2><p>This text is made up. Yours is the publisher’s, with headings, lists and pictures.</p>`}, meta: {token}}
  const found = search(params), names = (params.get('facets') ?? '').split(',').filter(Boolean)
  return {data: found, meta: {total: found.length, next: null, facets: Object.fromEntries(names.map(name => [name, facet(name, found)])), token}}
}

const {fetch} = globalThis
globalThis.fetch = async (url, options) => {
  const {pathname} = new URL(url, location.href)
  return pathname.startsWith('/v1/') ? Response.json(answer(pathname, new URLSearchParams(options?.body ?? ''))) : fetch(url, options)
}

const preview = document.getElementById('preview'), form = document.querySelector('form'), status = document.getElementById('status')

/** Shows elements in the preview. */
function show({preview: elements, theme, lang}) {
  if (!preview || !globalThis.Stile?.configure) return
  Stile.configure({theme: theme || 'auto', lang})
  preview.replaceChildren(...elements.map(({name, attributes}) => {
    const element = document.createElement(name)
    for (const [key, value] of attributes) element.setAttribute(key, value)
    return element
  }))
}

let latest = 0

/** Writes the snippet again. Of several responses, only the latest counts. */
async function write() {
  const query = new URLSearchParams(new FormData(form)), mine = ++latest
  const response = await fetch('/snippet/code?' + query).catch(() => undefined)
  if (!response?.ok || mine !== latest) return // the form's button still works
  const {code, route, faults, ...elements} = await response.json()
  document.getElementById('code').textContent = code
  document.getElementById('route').textContent = route
  for (const input of form.querySelectorAll('input')) {
    const about = document.getElementById(`${input.id}-about`)
    about.querySelector('strong')?.remove()
    input.toggleAttribute('aria-invalid', input.id in faults)
    if (!(input.id in faults)) continue
    const fault = document.createElement('strong')
    fault.textContent = `${faults[input.id]} `
    input.setAttribute('aria-invalid', 'true')
    about.prepend(fault)
  }
  for (const about of form.querySelectorAll('select + .about')) { // the form has only known values
    about.previousElementSibling.removeAttribute('aria-invalid')
    about.remove()
  }
  history.replaceState(null, '', '/snippet?' + query)
  show(elements)
}

/** Copies a code block. Where the browser forbids that, the visitor can copy the selection. */
async function copy(button) {
  const code = document.getElementById(button.dataset.copy)
  try {
    await navigator.clipboard.writeText(code.textContent)
    status.textContent = 'Copied.'
  } catch {
    getSelection().selectAllChildren(code)
    status.textContent = 'The text is selected. Copy it with your keyboard.'
  }
  setTimeout(() => { status.textContent = '' }, 4_000)
}

let typing
form.addEventListener('input', () => {
  clearTimeout(typing)
  typing = setTimeout(write, 300)
})
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', () => copy(button))
}
addEventListener('stile:select', event => event.preventDefault())
addEventListener('DOMContentLoaded', () => { if (preview) show(JSON.parse(preview.dataset.preview)) })
}
