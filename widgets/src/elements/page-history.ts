/**
 * PageHistory contains the cursors of the pages that the visitor has seen. The API returns the
 * cursor of the next page only, so the way back needs the stored cursors. After a deep link to a
 * page, the cursors of earlier pages are unknown.
 */
export class PageHistory {
  readonly #cursors: readonly (string | undefined)[]

  constructor(cursors: readonly (string | undefined)[] = ['']) {
    this.#cursors = cursors
  }

  /** Returns the history of a page that was opened by a deep link. */
  static at(page: number, cursor: string): PageHistory {
    return page > 1 ? new PageHistory(['', ...Array<undefined>(page - 2), cursor]) : new PageHistory()
  }

  get page(): number {
    return this.#cursors.length
  }

  get cursor(): string {
    return this.#cursors.at(-1) ?? ''
  }

  /** The previous page, or the first page if its cursor is unknown. null on the first page. */
  get previous(): PageHistory | null {
    if (this.page === 1) return null
    return this.#cursors.at(-2) === undefined ? new PageHistory() : new PageHistory(this.#cursors.slice(0, -1))
  }

  next(cursor: string): PageHistory {
    return new PageHistory([...this.#cursors, cursor])
  }

  /** The cursors, to store in the browser's history. */
  get cursors(): readonly (string | undefined)[] {
    return this.#cursors
  }

  /** Returns the history stored with a browser history entry, if it belongs to this page. */
  static restore(state: unknown, page: number, cursor: string): PageHistory {
    const cursors = (state as {stile?: unknown} | null)?.stile
    const history = Array.isArray(cursors) && cursors.length ? new PageHistory(cursors) : undefined
    return history?.page === page && history.cursor === cursor ? history : PageHistory.at(page, cursor)
  }
}
