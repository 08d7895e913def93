const reported = new Set<string>()

/**
 * Tells the page's developer about a mistake in the page, on the console, with the way to fix it.
 * Each text appears once. Never use it for what a visitor, the network or the server causes.
 */
export function mistake(text: string): void {
  if (reported.has(text)) return
  reported.add(text)
  console.error('[stile] ' + text)
}
