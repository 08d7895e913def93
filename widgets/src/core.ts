/** The layer without elements, for pages that show the content themselves: `import {Stile} from '…/core.mjs'`. */
import {StileError, TransportError} from './errors'
import {core} from './page'

const own = {
  version: core.version,
  get: core.get,
  setToken: core.setToken,
  configure: core.configure,
  StileError,
  TransportError,
}

/** The one global. A second copy of the layer on a page uses the first one's. */
const page = globalThis as {Stile?: typeof own}
export const Stile = page.Stile ??= Object.freeze(own)

export {StileError, TransportError}
