import {config} from './config'
import type {Trusted} from './types'

/** The part of Trusted Types that we use; TypeScript's library has none of it. */
interface Factory {
  createPolicy(name: string, rules: Rules): Rules
}

interface Rules {
  createHTML(text: string): string
  createScriptURL(url: string): string
}

const rules: Rules = {
  createHTML: text => text, // for a parser alone, whose nodes are copied by a list: see elements/prose.ts
  createScriptURL(url) {
    if (url.startsWith('blob:') || url.startsWith(config.api + '/v1/')) return url
    throw new TypeError(url)
  },
}

let policy: Rules | undefined

/** The page's one policy, made when it is first needed, so that a second copy of the layer makes none. */
function made(): Rules {
  try {
    return policy ??= (globalThis as {trustedTypes?: Factory}).trustedTypes?.createPolicy('stile', rules) ?? rules
  } catch {
    return policy = rules // the page allows no policy of that name: what is forbidden then fails where it is used
  }
}

export const trusted: Trusted = {
  scriptURL: url => made().createScriptURL(url),
  html: text => made().createHTML(text),
}
