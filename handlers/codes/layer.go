package codes

// layer contains the codes that only the widget layer reports, for their pages. The server never
// responds with them. Its messages to developers link to these pages.
var layer = [...]Info{
	{
		"token_endpoint", 0, true, "No answer from the sign-in",
		"The site's token URL returned no new token.",
		"The site could not start a session for its content. It tries again automatically.",
		"The page requested a token from data-token-url, or from a listener of stile:token-invalid, and got none. status is the HTTP status of the response, or 0 without one, and detail names what came instead. The URL must respond to a POST with {\"access_token\": \"…\"} as JSON, with a new token each time. It must not redirect to a login. On another origin, it must allow the page's origin by CORS.",
	},
	{
		"csp", 0, false, "Forbidden by the page's policy",
		"The page's content security policy forbids a request.",
		"The settings of the site block its content. The site's owner can change them.",
		"The console names the directive and the URL that it must allow. The complete policy is in the section \"Content security policy\" of the guide for tenants.",
	},
}
