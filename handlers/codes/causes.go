package codes

// Cause is one of several causes of a code. A response has its title, and a detail of its own.
type Cause struct {
	Title string
	Text  string // on the problem page, for the developer of the tenant's site
}

// NoItem is the title of [NotFound] for an item.
const NoItem = "Item not available"

// Titles of the causes of [ClientMismatch].
const (
	NotRegistered = "This page's origin is not registered"
	NoOrigin      = "This page has no origin"
	HiddenOrigin  = "The page hides its origin"
	NoPage        = "The request names no page"
	NotByCode     = "Not a fetch or a script"
	OtherClient   = "Token of another client_id"
	UnknownClient = "Token of an unknown client"
)

// causes has the causes of a code that has several, for its problem page.
var causes = map[Code][]Cause{NotFound: {
	{NoItem, "There is no item with that id among those that you may show. The publisher may have removed it: remove links to it from your pages."},
}, ClientMismatch: {
	{NotRegistered, "The publisher has registered the origins of your pages, and this page's is not one of them. Scheme, host name (with or without www.) and port must be equal. Ask the publisher to add the origin that the error's detail names. A new domain, a staging site and http://localhost:3000 are origins of their own."},
	{NoOrigin, "The browser sent Origin: null. The page is a local file, or it is in a sandboxed frame. Serve it over http://localhost or https. A sandboxed frame needs allow-same-origin."},
	{HiddenOrigin, "The page's Referrer-Policy is no-referrer. Give script tags that call the API crossorigin=\"anonymous\" or referrerpolicy=\"origin\". A fetch with POST always sends its origin."},
	{NoPage, "The request has neither Origin nor Referer, and the publisher requires one of them for your client_id. Call the API from a page, not from your server."},
	{NotByCode, "The browser sent the request as an image, a frame, a link or a prefetch, or somebody opened its URL. Call the API with fetch or a script tag."},
	{OtherClient, "The client_id in the page is not the one with which your server got the token. Both must be the same: compare data-client-id with your server's settings."},
	{UnknownClient, "Your authorization server issued the token for a client that the publisher has not registered. Ask the publisher to add it."},
}}

// CauseOf returns the cause of a code that has a title, and reports whether there is one.
func CauseOf(code Code, title string) (Cause, bool) {
	for _, c := range causes[code] {
		if c.Title == title {
			return c, true
		}
	}
	return Cause{}, false
}
