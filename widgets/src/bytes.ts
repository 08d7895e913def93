/** Returns the UTF-8 of a text. */
export const bytes = (text: string) => new TextEncoder().encode(text)

/** Encodes bytes as base64url without padding (RFC 7515 §2). */
export const base64url = (data: ArrayBuffer | Uint8Array) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replace(/=/g, '').replace(/\+/g, '-').replace(/\//g, '_')
