/**
 * Returns the number of insertions, deletions, replacements and swaps of neighbours that make one
 * text of another (Damerau-Levenshtein, without further changes of swapped letters).
 */
export function distance(a: string, b: string): number {
  const rows = [Array.from({length: b.length + 1}, (_, n) => n)]
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] = [i], above = rows[i - 1]!
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + Number(a[i - 1] !== b[j - 1]))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1)
    }
  }
  return rows[a.length]![b.length]!
}

const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '')

/** Returns the known name that was probably meant, or undefined. */
export function meant(name: string, known: readonly string[]): string | undefined {
  const [nearest, far] = known.map(one => [one, distance(plain(name), plain(one))] as const).reduce((a, b) => b[1] < a[1] ? b : a)
  return far <= Math.max(1, nearest.length / 3) ? nearest : undefined
}
