/** The whole layer: the core, and the elements with their English texts. */
import {Stile} from './core'
import {defineElements} from './elements/define'
import en from './lang/en'
import {checkSettings} from './elements/settings'
import {register} from './lang'

register('en', en)
const debugging = checkSettings()
if (debugging) void debugging.then(defineElements)
else defineElements()

export {Stile}
export {StileError, TransportError} from './core'
