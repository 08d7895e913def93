/**
 * The layer without elements, for pages that render the content themselves:
 * `import {Stile} from '…/core.mjs'`.
 */
import {StileError, TransportError} from './errors'
import {doc} from './doc'
import {core} from './page'

const layer = {version: core.version, get: core.get, setToken: core.setToken, configure: core.configure, StileError, TransportError}

const global = globalThis as {Stile?: typeof layer}

/**
 * The layer that the page has already, from another copy. Only scripts can create an own property
 * of globalThis: markup such as `<section id=Stile>` creates an inherited one. A page's script may
 * have declared a variable of that name, which the layer replaces.
 */
const found = Object.hasOwn(global, 'Stile') && global.Stile

/** Stile is the layer's only global. */
export const Stile = found && found.version ? found : Object.freeze(layer)

if (Stile !== found) {
  global.Stile = Stile
  doc.dispatchEvent(new CustomEvent('stile:ready', {detail: {Stile}}))
}

export {StileError, TransportError}
