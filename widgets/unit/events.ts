/** A CustomEvent for Node 18, which only has Event. Import this before a module that extends it. */
globalThis.CustomEvent ??= class<T> extends Event {
  readonly detail: T

  constructor(type: string, {detail, ...init}: CustomEventInit<T> = {}) {
    super(type, init)
    this.detail = detail as T
  }
} as unknown as typeof CustomEvent
