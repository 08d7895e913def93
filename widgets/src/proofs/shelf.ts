import {changeStored} from '../keystore'
import {withTimeout} from '../wait'
import type {Session, Shelf} from './sessions'

/** The time limit for one access to storage, in ms. */
const storageTimeout = 1_000

/**
 * Returns the place of the session that the tabs of the origin share. Where storage refuses it, or
 * without a name, it is for this page only.
 */
export function shelf(name: string): Shelf {
  let own: Session | undefined
  let isStored = !!name
  return {
    async change(fn) {
      if (isStored) {
        try {
          return void await withTimeout(storageTimeout, undefined, () => changeStored<Session | undefined>(name, fn))
        } catch {
          isStored = false
        }
      }
      own = fn(own)
    },
  }
}
