package commands

import "stile.example/stile/handlers/codes"

// advice is what an operator is told of a code: what happened, and what can be
// done. (What visitors and developers read is on the code's problem page.)
type advice struct{ cause, fix string }

// adviceByCode has one for every code; a test sees to that.
var adviceByCode = map[codes.Code]advice{
	codes.TokenMissing: {"The request carried no token.",
		"The page calls before it has one, or another site's page links to the API."},
	codes.TokenInvalid: {"The token is none that this server signed for this public_url, or it was damaged.",
		"After a change of public_url or of the data directory, all older tokens are invalid; pages get new ones."},
	codes.TokenExpired: {"The token was past its time, or its first call came too late after its issue.",
		"Pages renew it by themselves. If many first calls come late, the tenant's server issues tokens ahead of visitors, or stores them."},
	codes.TokenRevoked: {"The token was revoked by the tenant or by an operator, or its tenant was removed.",
		"It cannot be undone; the page gets a new token if the visitor is still welcome."},
	codes.TokenHijacked: {"The token was used from outside its binding: from another address than that of its first call, and then it is dead for everyone; or with another key than its own, and then only that caller was refused (setting hijack).",
		"A visitor who changed networks simply gets a new token. Many of them at one tenant mean that its server calls the API itself, that its pages are cached with a token in them, or that trusted_proxies misses a proxy."},
	codes.TokenExhausted: {"The token had used up its calls, or the items that it may deliver.",
		"A person rarely comes near; a page that loads too much at once, or a script, does."},
	codes.TokenChallengeIgnored: {"The page, or a script, went on calling while a challenge was open, until the token died.",
		"Pages with the widget layer solve challenges by themselves; one that calls the API on its own must too."},
	codes.TokenChallengedTooOften: {"The token was challenged more often than a token may be: it is dead.",
		"That is what a script looks like. If it is the tenant's own page, it calls far more often than a person acts."},
	codes.ProofInvalid: {"The token belongs to a key, and the request had no good proof of it.",
		"The rule says what was wrong with it. A clock that is wrong by more than a minute is mended by the widget layer; a proof that was used before is a copied URL, or a proxy that sends requests twice."},
	codes.ClientMismatch: {"The client_id is not the token's, the page is not on one of the tenant's sites, or (rule: fetch metadata) the browser did not send the request as a page's fetch or script.",
		"If the page is the tenant's, add its origin: stile tenant set CLIENT_ID --site ORIGIN (give all of them)."},
	codes.TenantSuspended: {"The tenant is suspended.",
		"stile tenant resume CLIENT_ID lets its calls through again."},
	codes.TenantExhausted: {"The tenant has used up its calls of this calendar month (UTC).",
		"stile tenant set CLIENT_ID --calls-per-month N gives it more; stile usage --tenant CLIENT_ID says what for."},
	codes.AddressBlocked: {"The source address is blocked, by the rules or by a person.",
		"stile address list says which and until when; stile address remove RANGE lifts it. If many people share the address: stile address allow RANGE --bindings N."},
	codes.ChallengeRequired: {"A challenge must be solved before calls go on: the token called faster than a person does, or comes from a crowded address.",
		"The token lives, and goes on once its challenge is solved: work by the page's own program, a picture by the visitor."},
	codes.ChallengeFailed: {"The answer to a challenge was wrong or late; another challenge was asked.",
		"The token lives. Many of them from one address mean a machine that guesses."},
	codes.Overloaded: {"The server could not answer in time; nothing was decided about the token.",
		"The server's log has the cause, by the same ref."},
	codes.BadRequest: {"The request was malformed; its answer said what was wrong with it.",
		"It is the page's, or a proxy's (an X-Forwarded-For that is no address). The server's log names the route."},
	codes.BadCallback: {"The JSONP callback is no name that is allowed.",
		"A dotted name needs the tenant's setting: stile tenant set CLIENT_ID callbacks=PREFIX."},
	codes.NotFound: {"There is no such address, item or open challenge that the tenant may see.",
		"stile content show ID says whether an item is there, and whose it is."},
	codes.MethodNotAllowed: {"The address does not answer that method.",
		"The content API answers GET, and POST with a form."},
	codes.Internal: {"The server met a fault of its own.",
		"The server's log has the cause, by the same ref; please report it."},
}
