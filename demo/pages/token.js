// The visitor's token, as far as the panel needs it: the widget layer keeps
// its own. It is remembered for the tab, since the layer goes on with it on
// the next page.

const place = 'meridian:token'

// freshToken gets a token from the magazine's own server, which alone has the
// secret to ask for one.
export async function freshToken(signal) {
  const {access_token: token} = await own('/stile/token', undefined, signal)
  sessionStorage.setItem(place, token)
  return token
}

// currentToken is the one that was got last; '' if there is none.
export function currentToken() {
  return sessionStorage.getItem(place) ?? ''
}

// nameOf is a short name for a token: the beginning of its id (jti).
export function nameOf(token) {
  try {
    const claims = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
    return claims.jti.slice(0, 6)
  } catch {
    return ''
  }
}

// own asks the magazine's server, with a form.
export async function own(path, form, signal) {
  const answer = await fetch(path, {method: 'POST', body: new URLSearchParams(form), signal})
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.error)
  return body
}
