import {config} from './config'
import type {Trusted} from './types'

/** The part of Trusted Types that the layer uses. TypeScript's library does not declare it. */
interface Factory {
  createPolicy(name: string, rules: Rules): Rules
}

/** The functions of a policy. */
interface Rules {
  createHTML(text: string): string
  createScriptURL(url: string): string
}

const rules: Rules = {
  createHTML: text => text, // only for a parser: elements/prose.ts copies the nodes that it allows
  createScriptURL(url) {
    if (url.startsWith('blob:') || url.startsWith(config.api + '/v1/')) return url
    throw new TypeError(url)
  },
}

let policy: Rules | undefined

/** Returns the page's policy. It is created at its first use, so that an unused second copy of the
 * layer creates none. */
function getPolicy(): Rules {
  try {
    return policy ??= (globalThis as {trustedTypes?: Factory}).trustedTypes?.createPolicy('stile', rules) ?? rules
  } catch {
    return policy = rules // the page forbids a policy of that name; forbidden uses fail later
  }
}

export const trusted: Trusted = {
  scriptURL: url => getPolicy().createScriptURL(url),
  html: text => getPolicy().createHTML(text),
}
