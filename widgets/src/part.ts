/** Parts of the layer that only some pages need. They are files of their own, loaded on demand. */
import {script} from './script'

/** The pause after a failure before a part is requested again, in ms. */
const retryPause = 10_000

interface Part {
  /** Undefined while loading, null if the file can't be loaded. */
  module: unknown
  failedAt: number
  readonly waiting: Set<() => void>
}

const parts = new Map<string, Part>()

/**
 * Returns a part. While it is loading, it returns undefined, and calls then when the part is
 * loaded, or can't be. It then returns null. A later call tries again.
 */
export function part<T>(file: string, then: () => void): T | null | undefined {
  let part = parts.get(file)
  if (!part || part.module === null && performance.now() - part.failedAt > retryPause) parts.set(file, part = load(file))
  if (part.module === undefined) part.waiting.add(then)
  return part.module as T | null | undefined
}

function load(file: string): Part {
  const part: Part = {module: undefined, failedAt: 0, waiting: new Set()}
  void script.load(file).catch(() => null).then(module => {
    part.module = module
    part.failedAt = performance.now()
    for (const then of part.waiting) then()
  })
  return part
}
