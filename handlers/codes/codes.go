// Package codes contains the one table of codes: their statuses and texts, in responses and on the
// problem pages. A [Refusal] passes a code from where it is decided to where it is written.
package codes

import "net/http"

// Code is the contract's name of a refusal. Pages and programs depend on it.
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

// Info contains all texts about a code, for responses and for its problem page.
type Info struct {
	Code      Code
	Status    int
	Renewable bool   // a new token from the tenant resolves it
	Title     string // of the response and of the page
	Detail    string // of the response, if the refusal itself has none
	Visitor   string // on the page, for a visitor
	Developer string // on the page, for the developer of the tenant's site
}

// all is the one table of codes.
var all = [...]Info{
	{
		TokenMissing, http.StatusUnauthorized, true, "No token",
		"The request contains no access token.",
		"The page could not sign in to its content. Loading the page again usually helps. If it does not, please contact the site's owner.",
		"Send the token that your server got from the token endpoint, as the parameter access_token or in the header Authorization, with the scheme Bearer or DPoP. Other schemes are ignored.",
	},
	{
		TokenInvalid, http.StatusUnauthorized, true, "Invalid token",
		"The access token is not valid on this server.",
		"The page's session is not valid. Loading the page again starts a new one. If that does not help, please contact the site's owner.",
		"The token is malformed, is signed by an unknown key, is for another issuer or audience, or is not valid yet. Pass it on exactly as the token endpoint returned it, and request a new one.",
	},
	{
		TokenExpired, http.StatusUnauthorized, true, "Token expired",
		"The access token has expired.",
		"The page has been open for a long time. It continues as soon as it has a new session. Loading it again helps too.",
		"Get a new token. A token is valid for expires_in seconds, and its first call must come soon after its issue (policy.token.bind_within). Request it when a visitor opens the page, not before.",
	},
	{
		TokenRevoked, http.StatusUnauthorized, true, "Token revoked",
		"The access token was revoked.",
		"The site or the publisher of the content has ended this session. Loading the page again starts a new one.",
		"Your own server revoked the token at the revocation endpoint, or the publisher revoked it. Get a new one if the visitor may continue.",
	},
	{
		TokenHijacked, http.StatusUnauthorized, true, "Token used elsewhere",
		"The access token was used from outside its binding.",
		"The session moved to another network, or somebody else used it. To be safe, it has ended. Loading the page again starts a new one.",
		"A token is bound by its first call: to the key whose proof came with the call, else to the source address. If this token came from another address, it is dead: every call with it is refused. If it came with another key's proof, only that caller is refused. Get a new token for each visitor who opens the page. Never use it from your server first, never share it, and keep it out of caches and logs. A visitor who changes networks needs a new token.",
	},
	{
		TokenExhausted, http.StatusUnauthorized, true, "Token used up",
		"The access token has used all of its calls or records.",
		"This session has loaded as much as one session may. Loading the page again starts a new one.",
		"A token has a limit of calls (calls_limit) and a limit of records. If visitors reach a limit in ordinary use, ask the publisher for a higher policy.token.calls or policy.token.records.",
	},
	{
		TokenChallengeIgnored, http.StatusUnauthorized, true, "Challenge ignored",
		"Too many calls were made while a challenge was open.",
		"The page did not solve a task that shows that a person is using it. Loading it again starts a new session.",
		"The page continued to call while a challenge was open. When a call is refused with challenge_required, solve its challenge before the next call.",
	},
	{
		TokenChallengedTooOften, http.StatusUnauthorized, true, "Challenged too often",
		"The access token has reached its maximum number of challenges.",
		"This session made so many requests that it was ended. Loading the page again starts a new one.",
		"The token repeatedly made more calls in a short time than a person makes. Make fewer calls: wait for a pause in typing, and don't fetch content that the visitor can't see.",
	},
	{
		ProofInvalid, http.StatusUnauthorized, false, "Invalid proof",
		"The token is bound to a key, and the request has no valid proof of that key.",
		"Your browser could not show that the session belongs to it. The usual cause is a wrong clock: check the date and the time of your device, then load the page again.",
		"The proof is missing, malformed, older than a minute, used before, or made for another request or token. The error's detail says which. Make a new proof for each request (RFC 9449: ES256 or EdDSA, with ath), and use the time in the error's now.",
	},
	{
		ClientMismatch, http.StatusForbidden, false, "This site is not set up",
		"The client_id is not the token's, or the page is not one of the tenant's sites.",
		"This page is not set up to show this content. Please contact the site's owner.",
		"The title and the detail of the error say which of the causes below it is. With the error's ref, the publisher can look up the complete explanation.",
	},
	{
		TenantSuspended, http.StatusForbidden, false, "Site suspended",
		"The publisher has suspended this site's access.",
		"This content is not available on this site at the moment. You have done nothing wrong. Please contact the site's owner.",
		"The publisher has suspended your access, and only the publisher can restore it. New tokens don't help.",
	},
	{
		TenantExhausted, http.StatusForbidden, false, "Monthly quota used up",
		"This site has used all of its calls for this month.",
		"This site has shown as much content as it may this month. You have done nothing wrong. Please contact the site's owner.",
		"Your quota for the calendar month (UTC) is used up. It resets after retry_after seconds. Ask the publisher for a higher quota.",
	},
	{
		AddressBlocked, http.StatusForbidden, false, "Access from your network is blocked",
		"Requests from this network address are refused.",
		"Access from your network is blocked for now, because too many sessions came from it recently. Wait for a while, or use another connection. If that does not help, please contact the site's owner.",
		"The source address of the request is blocked: for retry_after seconds, or permanently if retry_after is null. If many of your visitors share the address (a school, an office), ask the publisher to allow it.",
	},
	{
		ChallengeRequired, http.StatusTooManyRequests, false, "Challenge required",
		"Solve the challenge, then repeat the call.",
		"There were more requests than a person makes. The page may show you a small task, and then continues.",
		"Solve the challenge in the error, send the answer, then repeat the call. If you don't, the token dies after calls_left more calls.",
	},
	{
		ChallengeFailed, http.StatusUnprocessableEntity, false, "Wrong answer",
		"The answer to the challenge is wrong. The error contains the next challenge.",
		"The answer was wrong. The page shows you another task.",
		"The answer was wrong, late, or for another challenge. Solve the next challenge, which the error contains.",
	},
	{
		Overloaded, http.StatusServiceUnavailable, false, "Temporarily unavailable",
		"The server could not respond in time.",
		"The server is busy, or a part of it is unavailable. Please try again in a moment.",
		"Repeat the request after retry_after seconds. The call was not counted against your quota, and the token is still valid.",
	},
	{
		BadRequest, http.StatusBadRequest, false, "Malformed request",
		"The request is malformed.",
		"Something in this page is wrong. Loading it again may help. If it does not, please contact the site's owner.",
		"The error's detail names the parameter and its allowed values. Each parameter except tag may be sent once. A POST must have its parameters in an application/x-www-form-urlencoded body of at most 16 KiB.",
	},
	{
		BadCallback, http.StatusBadRequest, false, "Invalid callback name",
		"The callback must be sent once. It must be a JavaScript name of at most 64 letters, digits, _ and $, and not a reserved word.",
		"Something in this page is wrong. Please contact the site's owner.",
		"Use a plain function name, sent once. A name with dots, as some frameworks generate, is valid only if the publisher has listed its prefix or pattern in your setting callbacks, and the request has your client_id.",
	},
	{
		NotFound, http.StatusNotFound, false, "Not found",
		"There is nothing at this URL that this site may show.",
		"This item is no longer available, or the link to it is wrong.",
		"The URL does not exist, or there is no item with that id among those that you may show. The call was counted if its token was valid.",
	},
	{
		MethodNotAllowed, http.StatusMethodNotAllowed, false, "Method not allowed",
		"This URL does not support that method.",
		"Something in this page is wrong. Please contact the site's owner.",
		"The header Allow lists the methods. The content API supports GET, HEAD, and POST with a form.",
	},
	{
		Internal, http.StatusInternalServerError, false, "Internal server error",
		"An error occurred on this server.",
		"An error occurred on this server. Please try again in a moment. If it happens again, give the site's owner the reference that the page shows.",
		"The cause is on the server, not in your request. Report the ref of the error to the publisher.",
	},
}

// table contains the entries of all, by code.
var table = func() map[Code]*Info {
	t := make(map[Code]*Info, len(all))
	for i := range all {
		t[all[i].Code] = &all[i]
	}
	return t
}()

// Of returns the texts about a code, and reports whether the code exists.
func Of(code Code) (Info, bool) {
	m, ok := table[code]
	if !ok {
		return Info{}, false
	}
	return *m, true
}

// All returns the table, which callers must not change.
func All() []Info { return all[:] }

// Lasting reports whether refusals with a code are stored: those that were decided from stored
// state, and faults. Refusals of malformed input stay in memory, so that such input leaves no
// trace.
func (c Code) Lasting() bool {
	switch c {
	case TokenHijacked, TokenExhausted, TokenRevoked, TokenChallengeIgnored, TokenChallengedTooOften,
		ChallengeRequired, ChallengeFailed, AddressBlocked, TenantSuspended, TenantExhausted, ClientMismatch,
		Overloaded, Internal:
		return true
	}
	return false
}
