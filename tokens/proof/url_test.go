package proof

import "testing"

// TestSameURL checks that URLs which are equal in RFC 3986 are equal, and no others.
func TestSameURL(t *testing.T) {
	for _, want := range []string{"https://api.example/v1/items/a", "http://localhost:8080/v1/items/a~b", "https://[2001:db8::1]/v1/items"} {
		if !sameURL(want, want) {
			t.Errorf("%s is not itself", want)
		}
	}
	const want = "https://api.example/v1/items/a-b"
	for _, same := range []string{"HTTPS://API.EXAMPLE/v1/items/a-b", "https://api.example:443/v1/items/a-b", "https://api.example:/v1/items/a-b",
		"https://api.example/v1/items/a%2Db", "https://api.example/v1/%69tems/a-b", want + "?q=x", want + "#x", "https://api.example/v1/./x/../items/a-b"} {
		if !sameURL(same, want) {
			t.Errorf("%s is not %s", same, want)
		}
	}
	for _, other := range []string{"", "https://api.example/v1/items/a-b/", "https://api.example/v1/items/A-b", "https://api.example/v1/items%2Fa-b",
		"https://api.example:80/v1/items/a-b", "http://api.example/v1/items/a-b", "https://api.example.evil/v1/items/a-b", "https://x@api.example/v1/items/a-b",
		"//api.example/v1/items/a-b", "/v1/items/a-b", "https:/v1/items/a-b", "https:api.example", "https://api.example/v1/items/a%zz", "https://api.example\x00/v1/items/a-b",
		"ftp://api.example/v1/items/a-b", "https://api.example/v1/items/../a-b"} {
		if sameURL(other, want) {
			t.Errorf("%s is %s", other, want)
		}
	}
	for _, same := range []string{"http://127.0.0.1:8080/x", "http://[::1]:8080/x", "http://LOCALHOST:8080/x"} {
		if !sameURL(same, "http://localhost:8080/x") || sameURL(same, "http://localhost/x") || sameURL(same, "http://api.example:8080/x") {
			t.Errorf("%s is this machine at port 8080", same)
		}
	}
	if !sameURL("http://127.0.0.1:80", "http://localhost/") {
		t.Error("the default port of this machine")
	}
	if !sameURL("https://api.example/a%2fb", "https://api.example/a%2Fb") || !sameURL("https://api.example", "https://api.example/") {
		t.Error("case of hexadecimal digits, or an empty path")
	}
}
