import type {Tabs} from './ports'
import {sleep, withTimeout} from './wait'

/** The time that other tabs have to send the token that they use, in ms. */
const answerTime = 60

/** The time after which a tab no longer waits for another tab to get a token, in ms. */
const turnTime = 10_000

/**
 * Returns the connection to the other tabs of the page's origin. On its channel, a text is a token
 * that a tab uses, and the empty text is a request for one. name identifies the tenant and server.
 * isPageOnly reports whether this tab must not share its token.
 */
export function tabs(name: () => string, isPageOnly: () => boolean): Tabs {
  let channel: BroadcastChannel | undefined
  const send = (token: string) => channel?.postMessage(token)
  return {
    send,
    join(session) {
      if (channel || isPageOnly()) return
      try {
        channel = new BroadcastChannel(name())
      } catch {
        return // browsers that store nothing may forbid it
      }
      channel.onmessage = ({data}) => {
        if (data) session.receive(String(data))
        else if (session.current) send(session.current)
      }
    },
    async inTurn(signal, get) {
      let end = () => {}
      const ended = new Promise<void>(resolve => end = resolve)
      try {
        if (channel) {
          await withTimeout(turnTime, signal, () => locked(name(), ended)).catch(() => signal.throwIfAborted())
          send('')
          await sleep(answerTime, signal)
        }
        await get()
      } finally {
        end()
      }
    },
  }
}

/** Waits until no other tab has the lock, and holds it until ended settles. */
function locked(name: string, ended: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => void navigator.locks.request(name, () => (resolve(), ended)).catch(reject))
}
