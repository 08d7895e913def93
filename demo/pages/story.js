// What the panel says: events and codes in plain words. Nothing here runs.

const number = n => n.toLocaleString('en')

// why says why there is no good token, by the code of the refusal.
const why = {
  token_missing: ['There is no token yet', 'This is a first call. It waits.'],
  token_invalid: ['The token is not one of stile’s', 'It may be of a server that was started anew. The calls wait.'],
  token_expired: ['The token is too old', 'The calls wait.'],
  token_revoked: ['The token was withdrawn', 'stile refused a call with it. All calls of this page wait.'],
  token_hijacked: ['The token is dead', 'stile saw it at two addresses, so nobody may use it any more. All calls of this page wait.'],
  token_exhausted: ['The token is used up', 'It was good for so many calls and items. All calls of this page wait.'],
  token_challenge_ignored: ['The token is dead', 'Too many calls came while a challenge was open.'],
  token_challenged_too_often: ['The token is dead', 'It had to be challenged too often.'],
}

// line is what the panel shows of a moment: who did something, what, and more.
export function line(who, title, text = '') {
  return {who, title, text}
}

export function tokenInvalid({code, attempt}) {
  const [title, text] = why[code] ?? ['The token is not good', 'The calls wait.']
  const again = attempt > 1 ? ` This is attempt ${attempt}.` : ''
  return line('stile', title, `${text} The page asks the magazine’s server for a new one, once for all of them.${again} (${code ?? 'no code'})`)
}

export function tokenRenewed(milliseconds) {
  return line('tenant', `A new token, after ${number(milliseconds)} ms`,
    'The magazine’s server got it with its secret, which never comes to the browser. What waited went on. The visitor noticed nothing.')
}

export function tokenFailed({code, retryAt}) {
  return line('tenant', 'No token could be had', `The widgets say so, and try again by themselves${retryAt ? '' : ' later'}. (${code})`)
}

export function challenge({challenge: {kind, calls_left: left}}) {
  if (kind === 'work') {
    return line('stile', 'Too much for one person: prove it is worth it',
      `Many calls came in a minute, or many tokens from one address. stile asks this browser to compute for a moment. A person doesn’t see that; a script pays. ${left} more calls without it, and the token dies.`)
  }
  return line('stile', 'Still too much: is anybody there?', 'Work has not slowed it down, so stile shows a picture, or plays a sound, that a person can read. The calls wait for you.')
}

export function challengeSolved({kind}, milliseconds) {
  return kind === 'work'
    ? line('page', `Solved, in ${number(milliseconds)} ms`, 'A worker computed it, and the calls went on. The visitor noticed nothing.')
    : line('you', 'Solved', 'You are somebody. The calls went on.')
}

export function blocked({retryAfter}) {
  return line('stile', 'This address is blocked', retryAfter ? `For ${number(retryAfter)} seconds, for every token.` : 'For good.')
}

export function failed(element, {code, title}) {
  return line('page', `${element} shows a message`, `${title ?? 'No answer'} (${code})`)
}

export function loaded(element, {data, meta}) {
  const count = Array.isArray(data) ? data.length : 1
  const of = meta?.total > count ? ` of ${number(meta.total)}` : ''
  const what = Array.isArray(data) ? `${number(count)}${of} item${count === 1 && !of ? '' : 's'}` : data.title
  return line('page', `${element}: ${what}`, meta?.token ? `Call ${number(meta.token.calls)} of ${number(meta.token.calls_limit)}.` : '')
}

// stolen says what became of a thief's call.
export function stolen({address, code, status, ref}) {
  const explain = ref ? ` The publisher can ask why: stile explain ${ref}` : ''
  if (code === 'token_hijacked') {
    return line('stranger', `${address} used your token, and was refused`, `It was bound to your address by its first call. It is dead now, here too.${explain}`)
  }
  if (code === 'proof_invalid') {
    return line('stranger', `${address} used your token, and was refused`, `It needs a key that never leaves this browser, so the copy is worth nothing and yours goes on.${explain}`)
  }
  return code
    ? line('stranger', `${address} was refused`, `${code}, status ${status}.${explain}`)
    : line('stranger', `${address} was let through`, 'Your token had not been used yet: the first call binds it.')
}

export function hurries(title) {
  return line('you', title, 'No person does. stile looks at calls, not at browsers.')
}

export function goesOn(milliseconds, renewed) {
  return line('page', `The page’s next call was answered, after ${number(milliseconds)} ms`,
    renewed ? 'That is all that a visitor could notice.' : 'With the same token.')
}
