/** Returns the number of insertions, deletions and replacements that make one text of another. */
export function distance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, n) => n)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + Number(letter !== b[j - 1]))
    row = next
  }
  return row[b.length]!
}

const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '')

/** Returns the known name that was probably meant, or undefined. */
export function meant(name: string, known: readonly string[]): string | undefined {
  const [nearest, far] = known.map(one => [one, distance(plain(name), plain(one))] as const).reduce((a, b) => b[1] < a[1] ? b : a)
  return far <= Math.max(1, nearest.length / 3) ? nearest : undefined
}
