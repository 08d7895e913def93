// The visitor's token, for the panel. The widget layer stores its own copy. This module keeps the
// token in the tab's storage, because the layer continues to use it on the next page.

const storageKey = 'meridian:token'

// freshToken gets a new token from the magazine's server. Only that server has the client secret.
export async function freshToken(signal) {
  const {access_token: token} = await post('/stile/token', undefined, signal)
  sessionStorage.setItem(storageKey, token)
  return token
}

// currentToken returns the newest token, or '' if there is none.
export function currentToken() {
  return sessionStorage.getItem(storageKey) ?? ''
}

// tokenId returns a token's id (jti), or '' if the token can't be parsed. It is the name by which
// `stile explain` and `stile token show` know the token.
export function tokenId(token) {
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
    return claims.jti
  } catch {
    return ''
  }
}

// post sends a form to the magazine's server and returns the JSON of the response.
export async function post(path, form, signal) {
  const response = await fetch(path, {method: 'POST', body: new URLSearchParams(form), signal})
  const body = await response.json()
  if (!response.ok) throw new Error(body.error)
  return body
}
