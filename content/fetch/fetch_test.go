package fetch

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestFetchStaysAway checks that nothing is fetched from link-local or metadata addresses, even
// after a redirect, and that private addresses may redirect to each other.
func TestFetchStaysAway(t *testing.T) {
	for _, host := range []string{
		"169.254.169.254", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "0.0.0.0", "[::]",
	} {
		if _, err := fetch(t.Context(), "http://"+host+"/feed.xml"); !errors.Is(err, errForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
	var to string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	defer server.Close()
	for _, to = range []string{"http://169.254.169.254/latest", "http://[fd00:ec2::254]/latest"} {
		if _, err := fetch(t.Context(), server.URL); !errors.Is(err, errForbidden) {
			t.Errorf("a redirect to %s: %v", to, err)
		}
	}
	to = server.URL + "/feed"
	res, err := fetch(t.Context(), server.URL)
	if err != nil {
		t.Fatalf("a redirect within a private network: %v", err)
	}
	res.Body.Close()
}

// TestGuard checks that redirects from the internet lead to the internet only.
func TestGuard(t *testing.T) {
	for first, want := range map[string]bool{"9.9.9.9": false, "10.0.0.1": true} {
		g := &guard{}
		if !g.allows(netip.MustParseAddr(first)) {
			t.Errorf("%s, named by the operator, is refused", first)
		}
		g.redirected.Store(true)
		for _, then := range []string{"127.0.0.1", "::1", "192.168.1.1", "fd00::1", "2002:a00:1::", "64:ff9b::a00:1"} {
			if g.allows(netip.MustParseAddr(then)) != want {
				t.Errorf("from %s to %s: %v", first, then, !want)
			}
		}
		if !g.allows(netip.MustParseAddr("2620:fe::fe")) {
			t.Errorf("from %s to the internet: refused", first)
		}
	}
}

// TestProxiesAreNotUsed checks that nothing is fetched through a proxy: it would connect to
// addresses that the guard forbids.
func TestProxiesAreNotUsed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was used") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	if _, err := fetch(t.Context(), "http://169.254.169.254/latest"); !errors.Is(err, errForbidden) {
		t.Errorf("%v", err)
	}
	if newFetcher().Transport.(*http.Transport).Proxy != nil { // the environment is read only once
		t.Error("fetches may use a proxy")
	}
}
