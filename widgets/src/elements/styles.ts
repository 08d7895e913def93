/**
 * Returns a function that adds a part's styles to the shadow root of an element, once. The sheet is
 * created when the first element needs it.
 */
export function styles(css: string): (root: ShadowRoot) => void {
  let sheet: CSSStyleSheet | undefined
  return ({adoptedStyleSheets}) => {
    if (!sheet) {
      sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
    }
    if (!adoptedStyleSheets.includes(sheet)) adoptedStyleSheets.push(sheet)
  }
}
