import type {Prover} from './ports'

/** No key: a token is bound to the visitor's address. */
export const prover: Prover = {proof: async () => undefined}
