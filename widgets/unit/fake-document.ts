/** A fake document for the dialog: elements without layout, and a visitor's view of them. */

/** An element with the members that the dialog uses. */
export class FakeElement {
  value = ''
  src = ''
  hidden = false
  isConnected = false
  paused = true
  children: FakeElement[] = []
  readonly style = {setProperty() {}}
  readonly classes = new Set<string>()
  readonly classList = {toggle: (name: string, on: boolean) => on ? this.classes.add(name) : this.classes.delete(name)};
  [property: string]: any
  #text = ''

  constructor(readonly localName: string, readonly load: (image: FakeElement) => void) {
    if (localName !== 'img') return
    let src = ''
    Object.defineProperty(this, 'src', {get: () => src, set: (url: string) => {
      src = url
      load(this)
    }})
  }

  get textContent(): string {
    return this.#text + this.children.map(child => child.textContent).join('')
  }

  set textContent(text: string) {
    this.children = []
    this.#text = text
  }

  append(...nodes: (FakeElement | string)[]): void {
    for (const node of nodes)
      if (typeof node === 'string') this.#text += node
      else {
        node.isConnected = true
        node['parent'] = this
        this.children.push(node)
      }
  }

  remove(): void {
    this.isConnected = false
    const siblings: FakeElement[] = this['parent']?.children ?? []
    if (siblings.includes(this)) siblings.splice(siblings.indexOf(this), 1)
  }

  /** The first descendant that matches, in this tree or its shadow. */
  find(matches: (element: FakeElement) => boolean): FakeElement | undefined {
    for (const child of [...this.children, ...(this['shadow']?.children ?? [])] as FakeElement[]) {
      const found = matches(child) ? child : child.find(matches)
      if (found) return found
    }
    return undefined
  }

  querySelector(): null {
    return null
  }

  attachShadow(): FakeElement {
    return this['shadow'] = new FakeElement('shadow', this.load)
  }

  setAttribute(name: string, value: string): void {
    this[name] = value
  }

  addEventListener(): void {}
  focus(): void {}
  showModal(): void {}
  pause(): void {}
  close(): void {}
  play(): Promise<void> { return Promise.resolve() }
}

/**
 * Replaces the globals that the dialog uses, and returns the body. load is called when the source
 * of an image is set, now returns the time in ms.
 */
export function fakeDocument(load: (image: FakeElement) => void, now: () => number): FakeElement {
  const body = new FakeElement('body', load)
  class Document {
    get body() { return body }
    createElement(name: string) { return new FakeElement(name, load) }
  }
  Object.assign(globalThis, {
    Document, document: new Document(),
    Audio: class extends FakeElement { constructor() { super('audio', load) } },
    MutationObserver: class { observe() {} disconnect() {} },
    CSSStyleSheet: class { replaceSync() {} },
    getComputedStyle: () => ({getPropertyValue: () => ''}),
  })
  performance.now = now
  return body
}
