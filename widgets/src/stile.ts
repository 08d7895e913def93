/** The whole layer: the core, and its elements with English texts. */
import {Stile} from './core'
import {defineElements} from './elements/define'
import en from './lang/en'
import {know} from './lang'

know('en', en)
defineElements()

export {Stile}
export {StileError, TransportError} from './core'
