// The texts of the panel: events and codes in plain words. This module has no side effects.

const number = n => n.toLocaleString('en')

// why explains, by the code of the refusal, why there is no valid token.
const why = {
  token_missing: ['No token yet', 'The page’s first calls wait.'],
  token_invalid: ['The token is not valid here', 'It may come from a server that has restarted. The calls wait.'],
  token_expired: ['The token has expired', 'The calls wait.'],
  token_revoked: ['The token was revoked', 'stile refused a call with it. All calls of this page wait.'],
  token_hijacked: ['The token is dead', 'stile received it from two addresses, so nobody can use it any more. All calls of this page wait.'],
  token_exhausted: ['The token is used up', 'It has reached its limit of calls or records. All calls of this page wait.'],
  token_challenge_ignored: ['The token is dead', 'Too many calls arrived while a challenge was open.'],
  token_challenged_too_often: ['The token is dead', 'It has reached its limit of challenges.'],
}

// line is an entry of the log: the actor, what happened, and details.
export function line(who, title, text = '') {
  return {who, title, text}
}

export function tokenInvalid({code, attempt}) {
  const [title, text] = why[code] ?? ['The token is not valid', 'The calls wait.']
  const retry = attempt > 1 ? ` This is attempt ${attempt}.` : ''
  return line('stile', title, `${text} The page requests one new token for all of them from the magazine’s server.${retry} (${code ?? 'no code'})`)
}

export function tokenRenewed(milliseconds) {
  return line('tenant', `A new token, after ${number(milliseconds)} ms`,
    'The magazine’s server got it with its client secret, which never reaches the browser. The waiting calls continued. The visitor noticed nothing.')
}

export function tokenFailed({code, retryAt}) {
  return line('tenant', 'No token available', `The widgets show a message and retry automatically${retryAt ? '' : ' later'}. (${code})`)
}

export function challenge({challenge: {kind, calls_left: left}}) {
  if (kind === 'work') {
    return line('stile', 'Challenge: work',
      `Too many calls came within a minute, or too many tokens from one address. stile makes this browser compute for a moment. A visitor does not notice it; a scraper pays for it. The token dies after ${left} more calls without an answer.`)
  }
  return line('stile', 'Challenge: a picture', 'Work has not slowed the calls down. stile now shows a picture, or plays a sound, that a person can read. The calls wait for your answer.')
}

export function challengeSolved({kind}, milliseconds) {
  return kind === 'work'
    ? line('page', `Solved in ${number(milliseconds)} ms`, 'A background worker computed the answer, and the calls continued. The visitor noticed nothing.')
    : line('you', 'Solved', 'Your answer was correct, and the calls continued.')
}

export function blocked({code, retryAfter}) {
  return line('stile', 'Calls are blocked, whatever the token', `${retryAfter ? `For ${number(retryAfter)} s.` : 'Until the operator lifts the block.'} (${code})`)
}

export function failed(element, {code, title}) {
  return line('page', `${element} shows a message`, `${title ?? 'No response'} (${code})`)
}

export function loaded(element, {data, meta}) {
  const count = Array.isArray(data) ? data.length : 1
  const of = meta?.total > count ? ` of ${number(meta.total)}` : ''
  const what = Array.isArray(data) ? `${number(count)}${of} item${count === 1 && !of ? '' : 's'}` : data.title
  return line('page', `${element}: ${what}`, meta?.token ? `Call ${number(meta.token.calls)} of ${number(meta.token.calls_limit)}.` : '')
}

// copied describes the result of a call that used a copy of the token at another address. command
// is how the operator calls the program.
export function copied({address, code, status, ref}, command) {
  const explain = ref ? ` To see the details, the operator runs: ${command} explain ${ref}` : ''
  if (code === 'token_hijacked') {
    return line('caller', `${address} used your token and was refused`, `The token was bound to your address at its first call. Now it is dead, for you too.${explain}`)
  }
  if (code === 'proof_invalid') {
    return line('caller', `${address} used your token and was refused`, `The token requires a key that never leaves this browser. The copy is useless, and your token stays valid.${explain}`)
  }
  return code
    ? line('caller', `${address} was refused`, `${code}, status ${status}.${explain}`)
    : line('caller', `${address} was admitted`, 'The token had not been used yet. Its first call binds it.')
}

export function fastCalls(title) {
  return line('you', title, 'No person calls this fast. stile judges calls, not browsers.')
}

export function continued(milliseconds, renewed) {
  return line('page', `The page’s next call was answered after ${number(milliseconds)} ms`,
    renewed ? 'This delay is all that a visitor could notice.' : 'It used the same token.')
}
