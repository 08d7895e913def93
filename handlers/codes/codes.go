// Package codes holds the one table of codes: what each says to a client, and
// on its problem page. A [Refusal] carries one from where it is decided to
// where it is written.
package codes

import "net/http"

// Code names one reason why a request was not answered, in the contract's
// words. Pages and programs are written against it.
type Code string

// The codes.
const (
	TokenMissing            Code = "token_missing"
	TokenInvalid            Code = "token_invalid"
	TokenExpired            Code = "token_expired"
	TokenRevoked            Code = "token_revoked"
	TokenHijacked           Code = "token_hijacked"
	TokenExhausted          Code = "token_exhausted"
	TokenChallengeIgnored   Code = "token_challenge_ignored"
	TokenChallengedTooOften Code = "token_challenged_too_often"
	ProofInvalid            Code = "proof_invalid"
	ClientMismatch          Code = "client_mismatch"
	TenantSuspended         Code = "tenant_suspended"
	TenantExhausted         Code = "tenant_exhausted"
	AddressBlocked          Code = "address_blocked"
	ChallengeRequired       Code = "challenge_required"
	ChallengeFailed         Code = "challenge_failed"
	Overloaded              Code = "overloaded"
	BadRequest              Code = "bad_request"
	BadCallback             Code = "bad_callback"
	NotFound                Code = "not_found"
	MethodNotAllowed        Code = "method_not_allowed"
	Internal                Code = "internal"
)

// Info is all that is said about a code: in the answer, and on its page.
type Info struct {
	Code      Code
	Status    int
	Renewable bool   // a fresh token from the tenant mends it
	Title     string // of the answer and of the page
	Detail    string // of the answer, where the refusal itself has none
	Visitor   string // the page, to who sees it in a browser
	Developer string // the page, to who wrote the tenant's site
}

// all is the one table of codes.
var all = [...]Info{
	{
		TokenMissing, http.StatusUnauthorized, true, "No token",
		"The request carries no access token.",
		"The page asked for its content without showing a token. Loading the page again usually helps.",
		"Send the token that your server got from the token endpoint, as the parameter access_token or in the header Authorization, with the scheme Bearer or DPoP. Other schemes are not read.",
	},
	{
		TokenInvalid, http.StatusUnauthorized, true, "The token is not valid",
		"The access token is not one that this server can accept.",
		"The page showed a token that this server does not accept. Loading the page again gets a new one.",
		"The token is malformed, was signed by a key that is not known here, or was made for another issuer or audience, or for later. Pass it on exactly as the token endpoint gave it, and ask for a new one.",
	},
	{
		TokenExpired, http.StatusUnauthorized, true, "The token has expired",
		"The access token is past its time.",
		"The page has been open for long. It goes on as soon as it has a new token; loading it again helps too.",
		"Get a new token. A token is good for expires_in seconds, and its first call must come soon after its issue (policy.token.bind_within): ask for it when a visitor comes, not before.",
	},
	{
		TokenRevoked, http.StatusUnauthorized, true, "The token was revoked",
		"The access token was withdrawn.",
		"This session was ended by the site or by the publisher of the content. Loading the page again begins a new one.",
		"The token was withdrawn by your own server at the revocation endpoint, or by the publisher. Get a new one if the visitor is still welcome.",
	},
	{
		TokenHijacked, http.StatusUnauthorized, true, "The token was used elsewhere",
		"The access token belongs to another connection than the one that used it.",
		"The session moved to another network, or somebody else used it; to be safe it has ended. Loading the page again begins a new one.",
		"A token is bound by its first call: to the key whose proof came with it, else to the source address. This one came from another address, and is invalid from now on, for everyone; or with another key's proof, and then only that caller is refused. Get a token for each visitor, when the visitor is there; never call the API with it from your server first, never share it, and keep it out of caches and logs. A visitor who changes networks simply needs a new one.",
	},
	{
		TokenExhausted, http.StatusUnauthorized, true, "The token is used up",
		"The calls or items that the access token was good for have been used.",
		"This session has loaded all that one session may. Loading the page again begins a new one.",
		"A token is good for calls_limit calls, and for a number of items. If visitors reach it by ordinary use, ask the publisher for a higher policy.token.calls or policy.token.records.",
	},
	{
		TokenChallengeIgnored, http.StatusUnauthorized, true, "A challenge was ignored",
		"Too many calls were made while a challenge was open.",
		"The page was asked to show that a person is using it, and did not. Loading it again begins a new session.",
		"The page went on calling while a challenge was open. Solve the challenge of challenge_required before the next call.",
	},
	{
		TokenChallengedTooOften, http.StatusUnauthorized, true, "Challenged too often",
		"The access token was challenged more often than one session may be.",
		"This session called so often that it was ended. Loading the page again begins a new one.",
		"The token made more calls in short windows than a person makes, again and again. Make fewer calls: wait until typing pauses, and don't fetch what the visitor can't see.",
	},
	{
		ProofInvalid, http.StatusUnauthorized, false, "The proof is not valid",
		"The token belongs to a key, and the request has no good proof of it.",
		"The browser could not show that the session is its own. A clock that is wrong by more than a minute is the usual cause.",
		"The proof is missing, malformed, older than a minute, used before, or made for another request or token. The answer's detail says which. Make a new one for each request (RFC 9449: ES256 or EdDSA, with ath), by the clock of the error's now.",
	},
	{
		ClientMismatch, http.StatusForbidden, false, "The token belongs to another site",
		"The client_id is not the token's, or the page is not one of the tenant's sites.",
		"This page may not show this content. Please tell the site's owner.",
		"Send your own client_id with a token that was issued to it. If the publisher registered your sites, the page's origin (scheme, host and port) must be one of them: a new domain or a staging site must be added first. A browser must send the request as a fetch or a script, not as an image, a frame or a navigation. On a page with Referrer-Policy: no-referrer, give script tags crossorigin=\"anonymous\", so that they send their origin.",
	},
	{
		TenantSuspended, http.StatusForbidden, false, "The site is suspended",
		"The publisher has suspended this site's access.",
		"The publisher of the content has paused this site's access. Nothing is wrong on your side.",
		"Your access was suspended by the publisher, who alone can resume it. New tokens don't help.",
	},
	{
		TenantExhausted, http.StatusForbidden, false, "The site's calls are used up",
		"The calls that this site may make in a month have been used.",
		"This site has shown all the content that it may this month. Nothing is wrong on your side.",
		"Your quota for the calendar month (UTC) is used up; it begins anew after retry_after seconds. Ask the publisher for a higher one.",
	},
	{
		AddressBlocked, http.StatusForbidden, false, "The address is blocked",
		"Requests from this address are refused.",
		"Too many sessions came from your network lately. Wait for a while, or use another connection.",
		"The source address of the request is blocked, for retry_after seconds or, if that is null, for good. If many of your visitors share it (a school, an office), ask the publisher to allow it.",
	},
	{
		ChallengeRequired, http.StatusTooManyRequests, false, "A challenge must be solved",
		"Solve the challenge, then repeat the call.",
		"There were more requests than a person makes. The page shows you a small task; then it goes on.",
		"Solve the challenge in the error, send the answer, then repeat the call. The token is invalid after calls_left more calls without it.",
	},
	{
		ChallengeFailed, http.StatusUnprocessableEntity, false, "The answer is wrong",
		"The answer to the challenge is wrong; here is the next one.",
		"That was not the answer. The page shows you another task.",
		"The answer was wrong, late, or for another challenge. The error carries the next one.",
	},
	{
		Overloaded, http.StatusServiceUnavailable, false, "Busy right now",
		"The server could not answer in time.",
		"The server is busy, or a part of it is being repaired. Please try again in a moment.",
		"Repeat the request after retry_after seconds. The call was not counted against your quota, and the token is as good as before.",
	},
	{
		BadRequest, http.StatusBadRequest, false, "The request is not understood",
		"The request is not understood.",
		"The page asked for something in a way that this server does not understand. Please tell the site's owner.",
		"The detail of the error names the parameter and what is allowed. Each parameter but tag is given once; a POST carries its parameters in an application/x-www-form-urlencoded body of at most 16 KiB.",
	},
	{
		BadCallback, http.StatusBadRequest, false, "The callback is no name",
		"The callback must be given once, as a JavaScript name of at most 64 letters, digits, _ and $ that is no reserved word.",
		"The page asked for a script in a way that this server does not allow. Please tell the site's owner.",
		"Use a plain function name, given once. Names with dots, as some frameworks make them, pass only where the publisher has listed their prefix in your setting callbacks.",
	},
	{
		NotFound, http.StatusNotFound, false, "Not found",
		"There is nothing here that this site may see.",
		"What the page asked for is not there, or not for this site.",
		"There is no such address, or no item of that id that your tenant may see. The call was counted if its token was good.",
	},
	{
		MethodNotAllowed, http.StatusMethodNotAllowed, false, "The method is not allowed",
		"This address does not answer that method.",
		"The page asked in a way that this address does not answer. Please tell the site's owner.",
		"The header Allow names the methods. The content API answers GET, and POST with a form.",
	},
	{
		Internal, http.StatusInternalServerError, false, "A fault of this server",
		"Something went wrong here.",
		"Something went wrong on this server. It has been written down under the reference that the page shows.",
		"The fault is ours. Tell the publisher the ref of the error.",
	},
}

// table is all by code.
var table = func() map[Code]*Info {
	t := make(map[Code]*Info, len(all))
	for i := range all {
		t[all[i].Code] = &all[i]
	}
	return t
}()

// Of returns what is said about a code, and whether there is such a code.
func Of(code Code) (Info, bool) {
	m, ok := table[code]
	if !ok {
		return Info{}, false
	}
	return *m, true
}

// All returns the table.
func All() []Info { return all[:] }

// Lasting says whether refusals of a code are stored: those that were decided
// from something that is stored itself, or are a fault of ours. What garbage
// is refused for stays in memory, or garbage would leave a trace.
func (c Code) Lasting() bool {
	switch c {
	case TokenHijacked, TokenExhausted, TokenRevoked, TokenChallengeIgnored, TokenChallengedTooOften,
		ChallengeRequired, ChallengeFailed, AddressBlocked, TenantSuspended, TenantExhausted, ClientMismatch,
		Overloaded, Internal:
		return true
	}
	return false
}
