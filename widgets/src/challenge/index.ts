/** The exports of challenge.mjs. ChallengeModule describes them. */
import type {ChallengeModule} from '../types'
import {Dialog} from './dialog'

export {work} from './work'

export const dialog: ChallengeModule['dialog'] = host => new Dialog(host)
