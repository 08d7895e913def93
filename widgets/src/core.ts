/**
 * The layer without elements, for pages that render the content themselves:
 * `import {Stile} from '…/core.mjs'`.
 */
import {StileError, TransportError} from './errors'
import {core} from './page'

const layer = {
  version: core.version,
  get: core.get,
  setToken: core.setToken,
  configure: core.configure,
  StileError,
  TransportError,
}

const global = globalThis as {Stile?: typeof layer}

/**
 * Stile is the layer's only global. A second copy of the layer on a page uses the global of the
 * first. Only scripts can create an own property of globalThis. Markup such as `<a id=Stile>`
 * creates an inherited one.
 */
export const Stile = Object.hasOwn(global, 'Stile') ? global.Stile! : global.Stile = Object.freeze(layer)

export {StileError, TransportError}
