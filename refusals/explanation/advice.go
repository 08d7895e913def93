package explanation

import "stile.example/stile/handlers/codes"

// advice is what an operator reads about a code: what happened, and what can be done. Visitors and
// developers read the code's problem page instead.
type advice struct{ cause, fix string }

// adviceByCode has an advice for every code; a test checks that.
var adviceByCode = map[codes.Code]advice{
	codes.TokenMissing: {"The request had no token.",
		"The page calls the API before it has a token, or a page of another site links to the API."},
	codes.TokenInvalid: {"The token was damaged, or this server did not sign it for this public_url. The detail says what is wrong.",
		"After a change of public_url or of the data directory, all older tokens are invalid. Pages obtain new ones."},
	codes.TokenExpired: {"The token had expired, or its first call came too late after it was issued.",
		"Pages renew it automatically. If many first calls come late, the tenant's server requests tokens before visitors need them, or stores them."},
	codes.TokenRevoked: {"The token was revoked by the tenant or an operator, or its tenant was removed.",
		"This can't be undone. The page obtains a new token if the tenant's server still issues one to the visitor."},
	codes.TokenHijacked: {"The token was used from outside its binding. If it was used from another address than its first call, it is dead for every caller. If it was used with another key than its own, only that call was refused (setting hijack).",
		"A visitor who changed networks obtains a new token. If it happens often at one tenant, the tenant's server calls the API itself, its pages are cached with a token in them, or a proxy is missing in trusted_proxies."},
	codes.TokenExhausted: {"The token had used up its calls or its records.",
		"A person rarely reaches the limit. The caller is probably a script, or a page that loads too much."},
	codes.TokenChallengeIgnored: {"The page, or a script, continued to call while a challenge was open, until the token died.",
		"Pages with the widget layer solve challenges automatically. A page that calls the API without it must solve them too."},
	codes.TokenChallengedTooOften: {"The token had more challenges than its limit, and is dead.",
		"This is typical of a script. If it is the tenant's own page, it calls far more often than a person acts."},
	codes.ProofInvalid: {"The token is bound to a key, and the request had no valid proof of that key.",
		"The detail says why. The widget layer corrects a clock that is wrong by more than a minute. A proof that was used before comes from a copied URL, or from a proxy that sends requests twice."},
	codes.ClientMismatch: {"The client_id is not the token's, the page is not on one of the tenant's sites, or (rule: fetch metadata) the browser did not send the request as a page's fetch or script.",
		"If the page is the tenant's, add its origin: stile tenant set CLIENT_ID --add-site ORIGIN."},
	codes.TenantSuspended: {"The tenant is suspended.",
		"stile tenant resume CLIENT_ID admits its calls again."},
	codes.TenantExhausted: {"The tenant had used up its calls of this calendar month (UTC).",
		"stile tenant set CLIENT_ID --calls-per-month N raises the quota; stile usage --tenant CLIENT_ID shows what used it."},
	codes.AddressBlocked: {"A rule blocked the source address for new tokens of the tenant: it bound more tokens than its budget, and solved too few challenges. The detail says what was counted and until when.",
		"stile address remove RANGE lifts the block. If many people share the address: stile address allow RANGE --bindings N. stile address list shows the RANGE."},
	codes.ChallengeRequired: {"A challenge must be solved before calls continue: the token called faster than a person would, or its address is crowded.",
		"The token stays valid and can continue when its challenge is solved: work by the widget layer, a picture by the visitor."},
	codes.ChallengeFailed: {"The answer to a challenge was wrong or late. Another challenge was issued.",
		"The token stays valid. Many such refusals from one address indicate a program that guesses."},
	codes.Overloaded: {"The server could not respond in time. Nothing was decided about the token.",
		"The server's log has the cause, under the same ref."},
	codes.BadRequest: {"The request was malformed. The detail says why.",
		"The cause is in the page, or in a proxy (an X-Forwarded-For that contains an invalid address). The server's log names the route."},
	codes.BadCallback: {"The name of the JSONP callback is not allowed.",
		"A dotted name needs a setting of the tenant: stile tenant set CLIENT_ID callbacks=PATTERN. docs/tenants-api.md lists those of JavaScript libraries."},
	codes.NotFound: {"There is no such URL, item or open challenge that the tenant may see.",
		"stile content show ID says whether an item exists, and whose it is."},
	codes.MethodNotAllowed: {"The URL does not support that method.",
		"The content API supports GET, HEAD, and POST with a form."},
	codes.Internal: {"An internal server error occurred.",
		"The server's log has the cause, under the same ref. Please report it."},
}
