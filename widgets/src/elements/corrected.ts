import type {Meta} from '../types'

/** Returns the query with its corrections, as the server applied them. */
export function correctedQuery(q: string, corrected: Meta['corrected']): string {
  const words = new Map(corrected?.map(([from, to]) => [plain(from), to]))
  return q.replace(/[\p{L}\p{M}\p{N}]+/gu, word => words.get(plain(word)) ?? word)
}

/** The server compares words without case and accents. */
function plain(word: string): string {
  return word.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
