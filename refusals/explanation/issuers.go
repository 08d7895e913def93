package explanation

// issuerAdvice has the advice about tokens that stile did not sign, by code and rule.
var issuerAdvice = map[[2]string]advice{
	{"token_invalid", "issuers"}: {"The token of an external issuer is not what the settings require. The detail names the issuer and what is wrong.",
		"Correct the issuer's entry in the settings file and restart the server, or correct the issuer: docs/issuers.md has what each product needs. stile check --token - checks a token step by step."},
	{"token_invalid", "unknown issuer"}: {"The token names an issuer that is not in the settings.",
		"If it is a tenant's authorization server, add it to issuers in the settings file, exactly as the detail spells it, and restart the server. After a change of public_url, older tokens name the former one. Pages obtain new ones."},
	{"token_expired", "issuers"}: {"The token of an external issuer had expired. Its issuer decides how long it is valid, at most 24 h here.",
		"The page must get a new token from its issuer. If many tokens expire early, raise their lifetime at the issuer, and compare the clocks of both servers."},
	{"overloaded", "issuers"}: {"The token could not be verified, because an external issuer was not available or refused this server's request. The detail names the issuer and the reason. Nothing was decided about the token.",
		"stile check tries each issuer. A 401 at introspection means that its client_id or client_secret_file in the settings is wrong."},
}
