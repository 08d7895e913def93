package handlers

import (
	"strings"
	"testing"
)

// TestS20Callbacks checks that a hostile callback name is refused, and not repeated.
func TestS20Callbacks(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{
		"", " ", "alert(1)//", "cb;alert(1)", "cb(", "cb)", "<script>", "</script><script>alert(1)</script>", "cb\u2028", "cb\n", "cb\x00",
		"1cb", "-cb", "a-b", "a b", "ünder", "a\u200d", "\ufeffcb", "cb'", `cb"`, "`cb`", "a.b", "a..b", ".a", "a.", "window.alert",
		"angular.callbacks._0", "a[0]", "a['b']", "this", "null", "true", "false", "function", "await", "yield", "let", "static",
		"implements", "package", "enum", "with", "import", "typeof", "void", strings.Repeat("a", 65), `\u0061`, "%", "cb%00", "/**/cb",
		"cb=1", "cb&x", "CWS\x07", "\u017fcript", "\u212a",
	} {
		rec := s.do(ask{path: with("/v1/items/one", append(good(s), "callback", name)...)})
		body := rec.Body.String()
		if rec.Code != 400 || !strings.Contains(body, `"code":"bad_callback"`) || rec.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: %d %s", name, rec.Code, body)
		}
		if len(name) > 5 && strings.Contains(body, name) {
			t.Errorf("%q is echoed", name)
		}
	}
	for _, q := range []string{"callback=a&callback=a", "callback=a&%63allback=b", "callback=%zz", "callback", "callback=a&callback"} {
		if rec := s.do(ask{path: "/v1/items/one?" + q}); rec.Code != 400 || !strings.Contains(rec.Body.String(), "bad_callback") {
			t.Errorf("%s: %d %s", q, rec.Code, rec.Body)
		}
		if rec := s.do(ask{path: "/nowhere?" + q}); rec.Code != 400 || !strings.Contains(rec.Body.String(), "bad_callback") {
			t.Errorf("no route, %s: %d %s", q, rec.Code, rec.Body)
		}
	}
	if int(s.corpus.reads.Load())+s.tokens.writes != 0 {
		t.Error("a refused callback reached the content or the store")
	}
}

func TestGoodCallbacks(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"cb", "_", "$", "jQuery1234_5678", "async", "of", "get", "undefined", strings.Repeat("a", 64)} {
		rec := s.do(ask{path: with("/v1/items/one", append(good(s), "callback", name)...)})
		if want := "/**/ typeof " + name + " === 'function' && " + name + `({"data":`; rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// TestDottedCallbacks checks that dotted names are valid only below a prefix that the tenant has
// listed.
func TestDottedCallbacks(t *testing.T) {
	s := newSite(t)
	s.policy.Callbacks = []string{"angular.callbacks", "JSON_CALLBACK", "__gwt_jsonp__.*.onSuccess"}
	for name, good := range map[string]bool{
		"angular.callbacks._0": true, "JSON_CALLBACK.x": true, "__gwt_jsonp__.P0.onSuccess": true,
		"__gwt_jsonp__.P0.onFailure": false, "__gwt_jsonp__.P0.x.onSuccess": false,
		"angular.callbacks": false, "angular._0": false, "angular.callbacks._0.x": false, "angular.callbacksx._0": false,
		"angular.callbacks.this": false, "angular.callbacks.1": false, "angular.callbacks.": false, "angular.callbacks." + strings.Repeat("a", 120): false,
	} {
		for client, known := range map[string]bool{"acme": true, "nobody": false} {
			rec := s.do(ask{path: with("/v1/items/one", "client_id", client, "callback", name)})
			if passed := strings.HasPrefix(rec.Body.String(), "/**/ typeof "+name+" "); passed != (good && known) {
				t.Errorf("%s of %s: %d %s", name, client, rec.Code, rec.Body)
			}
			isDotted := !strings.HasSuffix(name, ".this") && !strings.HasSuffix(name, ".1") && !strings.HasSuffix(name, ".") && len(name) < 100
			if body := rec.Body.String(); !(good && known) && (rec.Code != 400 || strings.Contains(body, "setting callbacks") != isDotted || strings.Contains(body, name+"\"")) {
				t.Errorf("%s of %s: %d %s", name, client, rec.Code, body)
			}
		}
	}
}

// TestScriptsAreAlways200 checks that a script has status 200 on every path and for every error.
func TestScriptsAreAlways200(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/nowhere", "/v1", "/v1/items/a/b/c", "/v2/items", "/oauth/token", "/v1/items/%2e%2e%2f", "//", "/v1/items?q=%zz", "/v1/items?x=%"} {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		rec := s.do(ask{path: path + sep + "callback=cb"})
		if rec.Code != 200 || !strings.HasPrefix(rec.Body.String(), `/**/ typeof cb === 'function' && cb({"error":{`) || !strings.HasSuffix(rec.Body.String(), "}});") {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
}
