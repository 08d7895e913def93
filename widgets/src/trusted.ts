import {script} from './script'
import type {Trusted} from './types'

/** The part of Trusted Types that we use; TypeScript's library has none of it. */
interface Factory {
  createPolicy(name: string, rules: Rules): {createHTML(text: string): string; createScriptURL(url: string): string}
}

interface Rules {
  createHTML(text: string): string
  createScriptURL(url: string): string
}

const rules: Rules = {
  createHTML: text => text, // for a parser alone, whose nodes are copied by a list: see elements/prose.ts
  createScriptURL(url) {
    const {origin, protocol} = new URL(url)
    if (protocol === 'blob:' || allowed.has(origin)) return url
    throw new TypeError(`${origin} gives no scripts to this page.`)
  },
}

const allowed = new Set([script.origin])
let policy: Rules | undefined

/** The page's one policy, made when it is first needed, so that a second copy of the layer makes none. */
function made(): Rules {
  const {trustedTypes} = globalThis as {trustedTypes?: Factory}
  try {
    return policy ??= trustedTypes?.createPolicy('stile', rules) ?? rules
  } catch {
    return policy = rules // the page allows no policy of that name: what is forbidden then fails where it is used
  }
}

export const trusted: Trusted = {
  scriptURL: url => made().createScriptURL(url),
  html: text => made().createHTML(text),
}

/** Lets scripts come from the API's address too. */
export function trust(api: string): void {
  allowed.add(new URL(api).origin)
}
