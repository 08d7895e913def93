/** The layer without elements, for pages that show the content themselves: `import {Stile} from '…/core.mjs'`. */
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
 * The one global. A second copy of the layer on a page uses the first one's, which only a script
 * can have put there: the global that markup makes, as `<a id=Stile>` does, is not an own one.
 */
export const Stile = Object.hasOwn(global, 'Stile') ? global.Stile! : global.Stile = Object.freeze(layer)

export {StileError, TransportError}
