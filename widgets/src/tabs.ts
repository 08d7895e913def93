import type {Tabs} from './ports'
import {sleep, within} from './wait'

/** Milliseconds that other tabs have to say which token they use. */
const answerTime = 60

/** Milliseconds after which a tab that is getting a token no longer holds up the others. */
const turnTime = 10_000

/**
 * The other tabs of the page's origin, by a channel on which a text is a token
 * that a tab uses, and an empty text the question for one. name tells apart
 * those for another tenant or server; alone says that this tab keeps its token to itself.
 */
export function tabs(name: () => string, alone: () => boolean): Tabs {
  let channel: BroadcastChannel | undefined
  const say = (token: string) => channel?.postMessage(token)
  return {
    tell: say,
    join(own) {
      if (channel || alone()) return
      try {
        channel = new BroadcastChannel(name())
      } catch {
        return // a browser that is told to keep nothing may forbid it
      }
      channel.onmessage = ({data}) => {
        if (data) own.heard(String(data))
        else if (own.current) say(own.current)
      }
    },
    async turn(signal, get) {
      let end = () => {}
      const ended = new Promise<void>(resolve => end = resolve)
      try {
        if (channel) {
          await within(turnTime, signal, () => locked(name(), ended)).catch(() => signal.throwIfAborted())
          say('')
          await sleep(answerTime, signal)
        }
        await get()
      } finally {
        end()
      }
    },
  }
}

/** Waits until no other tab has the lock, and keeps it until something has ended. */
function locked(name: string, ended: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => void navigator.locks.request(name, () => (resolve(), ended)).catch(reject))
}
