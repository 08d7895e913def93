/** What challenge.mjs exports: see ChallengePart. */
import type {ChallengePart} from '../types'
import {Dialog} from './dialog'

export {work} from './work'

export const dialog: ChallengePart['dialog'] = host => new Dialog(host)
