/**
 * The pages that a visitor has come through. The API knows only the next page
 * of each, so the way back is what has been kept: cursor by cursor. Of a page
 * that was linked to, the ones before it are unknown.
 */
export class Trail {
  readonly #cursors: readonly (string | undefined)[]

  constructor(cursors: readonly (string | undefined)[] = ['']) {
    this.#cursors = cursors
  }

  /** A page that was come to from outside. */
  static at(page: number, cursor: string): Trail {
    return page > 1 ? new Trail(['', ...Array<undefined>(page - 2), cursor]) : new Trail()
  }

  get page(): number {
    return this.#cursors.length
  }

  get cursor(): string {
    return this.#cursors.at(-1) ?? ''
  }

  /** The page before: one back, or the first where that is not known; null on the first. */
  get before(): Trail | null {
    if (this.page === 1) return null
    return this.#cursors.at(-2) === undefined ? new Trail() : new Trail(this.#cursors.slice(0, -1))
  }

  next(cursor: string): Trail {
    return new Trail([...this.#cursors, cursor])
  }

  /** For the browser's history. */
  get cursors(): readonly (string | undefined)[] {
    return this.#cursors
  }

  /** The trail that was kept with a history entry, if it leads to this page. */
  static kept(state: unknown, page: number, cursor: string): Trail {
    const cursors = (state as {stile?: unknown} | null)?.stile
    const trail = Array.isArray(cursors) && cursors.length ? new Trail(cursors) : undefined
    return trail?.page === page && trail.cursor === cursor ? trail : Trail.at(page, cursor)
  }
}
