/**
 * own copies what an object has by itself. Another script of the page may have given
 * Object.prototype an `api` or a `token`, and every plain object would have them too.
 */
export const own = <T extends object>(given?: T | null): T => ({__proto__: null, ...given}) as T
