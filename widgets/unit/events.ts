/** Node 18 has Event, and no CustomEvent yet. Import this before what extends it. */
globalThis.CustomEvent ??= class<T> extends Event {
  readonly detail: T

  constructor(type: string, {detail, ...init}: CustomEventInit<T> = {}) {
    super(type, init)
    this.detail = detail as T
  }
} as unknown as typeof CustomEvent
