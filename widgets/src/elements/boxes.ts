/** What the results need of a search box. */
export interface Box {
  /**
   * Shows the query of the results, if they belong to this box. `always` also replaces what the
   * visitor is typing.
   */
  shows(results: Element, always: boolean): void
}

/** The search boxes in the document, also those in shadow roots. */
export const boxes = new Set<Box>()
