/**
 * The controls of results that only some pages need: sort chooser, ranges, and notices about a
 * query that was changed. This is the module controls.mjs, which is loaded on demand. It must not
 * import the core.
 */
import type {Meta, Text} from '../types'
import {correctedQuery} from './corrected'
import {fill} from './dom'
import type {Filter} from './filters'
import type {Labels} from './labels'
import {notices} from './notice'
import {Ranges} from './ranges'
import {SortChooser} from './sort'
import {styles} from './styles'

/** The frames that the controls fill, and what a visitor does with them. */
export interface Place {
  readonly sort: HTMLElement
  readonly notice: HTMLElement
  readonly ranges: HTMLElement
  chooseOrder(order: string): void
  /** Receives the filters of one name. */
  chooseRange(name: string, filters: readonly Filter[]): void
  /** Searches for the query as it was typed. */
  searchExactly(): void
}

/** What the controls show. */
export interface Shown {
  readonly q: string
  readonly meta: Meta
  readonly orders: readonly string[]
  readonly order: string
  /** The names of the ranges. */
  readonly ranges: readonly string[]
  readonly filters: readonly Filter[]
  readonly labels: Labels
  readonly text: Text
}

const css = `
.select,.range-input{font:inherit;color:inherit;background:none;min-block-size:44px;padding-inline:.6em;border:1px solid var(--e);border-radius:var(--r)}
.sort{display:flex;align-items:center;gap:.5em}
.sort-label,.range-hint,.range-label{font-size:.875em;color:var(--m)}
option{color:CanvasText;background:Canvas}
.notice:not(:empty){margin-block-end:1.5em}
.exact{unicode-bidi:plaintext}
.range-hint{unicode-bidi:isolate}
.exact,.range-clear{text-decoration:underline;text-underline-offset:.2em}
.range-fields{display:grid;grid-template-columns:1fr 1fr;gap:.5em}
.range-label{display:grid;gap:.2em}
.range-input{font-size:max(1rem,16px);inline-size:100%;min-inline-size:0}
.range-note{font-weight:600}
@container (min-width:46em){.range-fields:has([type=date]){grid-template-columns:1fr}}
`

const addStyles = styles(css)

/** Controls are the controls of one element. */
export class Controls {
  readonly #sort: SortChooser
  readonly #ranges: Ranges

  constructor(root: ShadowRoot, readonly place: Place) {
    addStyles(root)
    this.#sort = new SortChooser(place.sort, order => place.chooseOrder(order))
    this.#ranges = new Ranges(place.ranges, (name, filters) => place.chooseRange(name, filters))
  }

  show({q, meta, orders, order, ranges, filters, labels, text}: Shown): void {
    this.#sort.show(orders, order, text)
    this.#ranges.show(ranges, meta.ranges ?? {}, filters, labels, text)
    fill(this.place.notice, ...notices(q, meta, text, () => this.place.searchExactly()))
  }

  /** Returns the query that was answered. */
  answered(q: string, {corrected}: Meta): string {
    return correctedQuery(q, corrected)
  }
}
