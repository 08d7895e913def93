/**
 * own returns a copy of an object's own properties, without a prototype. Another script of the page
 * may have added an `api` or a `token` to Object.prototype, which every plain object inherits.
 */
export const own = <T extends object>(given?: T | null): T => ({__proto__: null, ...given}) as T
