/** The exports of proofs.mjs. ProofsModule describes them. */
import {own} from '../own'
import type {Ports} from '../ports'
import {Sessions} from './sessions'
import {shelf} from './shelf'

/**
 * Adds session proofs to what the ports send, where there is a session. Otherwise the browser's key
 * proves the request, and its proof offers a session. If the server refuses a session proof,
 * because the ticket has expired, for example, the request is sent once more with a proof by the
 * key.
 */
export function wrap(ports: Pick<Ports, 'config' | 'send' | 'prover'>): void {
  const {config, send, prover} = ports
  const sessions = new Sessions(shelf(prover.temporary ? '' : `stile:session:${config.api}:${config.clientId}`))
  ports.send = async (request, signal) => {
    const [, token] = request.fields.find(([name]) => name === 'access_token')!
    let proof: string | undefined, keyProof: string | undefined
    const byKey = async (method: string, url: string) => {
      const claim = await sessions.claim()
      prover.claims = claim ? {session_key: claim} : undefined
      return keyProof = await request.prove(method, url)
    }
    const prove = async (method: string, url: string) => (proof = await sessions.proof(method, url, request.fields, token)) ?? byKey(method, url)
    let reply = await send({...request, prove}, signal)
    if (proof && 'error' in reply && reply.error.code === 'proof_invalid') {
      await sessions.drop(proof)
      reply = await send({...request, prove: byKey}, signal)
    }
    if (!('error' in reply)) {
      const meta = reply.meta as {session?: object}
      const {session} = own(meta)
      delete meta.session // the page does not need it
      if (session && keyProof) sessions.accept(session, token, keyProof)
    }
    return reply
  }
}
