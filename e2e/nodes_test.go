package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stile.example/stile/stiletest/engines"
)

// newNodes starts servers that share a PostgreSQL database, and an engine of states unless state is
// "store". Clients reach them under one public URL.
func newNodes(t testing.TB, n int, state string, settings ...string) []*server {
	t.Helper()
	return newNodesOf(t, n, engines.Postgres(t), state, settings...)
}

// newNodesOf is newNodes with a database.
func newNodesOf(t testing.TB, n int, postgres, state string, settings ...string) []*server {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("0a", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	var all []*server
	for i := range n {
		program := unstarted(t, trusting+fmt.Sprintf("public_url: https://api.example\nstore: %q\nstate: %q\nstore_key_file: %q\nnode: n%d\n", postgres, state, key, i+1)+
			strings.Join(settings, "\n"))
		s := &server{t: t, Server: program, client: newClient()}
		s.must(s.Start())
		t.Cleanup(func() {
			s.Kill()
			if t.Failed() {
				t.Logf("log of n%d:\n%s", i+1, s.Log())
			}
		})
		all = append(all, s)
	}
	all[0].fillCorpus()
	for _, s := range all[1:] {
		s.secret = all[0].secret
		s.soon("the tenant and the corpus are known", func() bool {
			token, err := s.Token("acme", s.secret)
			return err == nil && s.mustGet("/v1/items", token, "192.0.2.250").Status == http.StatusOK
		})
	}
	return all
}

// soon fails unless fn returns true within 3 s.
func (s *server) soon(what string, fn func() bool) {
	s.t.Helper()
	for end := time.Now().Add(3 * time.Second); !fn(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not within 3 s: %s", what)
		}
	}
}

func TestNodes(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) { testNodes(t, "store") })
	t.Run("Valkey", func(t *testing.T) {
		testNodes(t, "valkey://"+engines.Valkey(t, "appendonly yes", "maxmemory-policy noeviction").Addr)
	})
}

func testNodes(t *testing.T, state string) {
	nodes := newNodes(t, 2, state)
	a, b := nodes[0], nodes[1]

	// A token of one node is used at the other, which knows its binding.
	token := a.tokens(1)[0]
	const home, elsewhere = "203.0.113.9", "198.51.100.7"
	before := a.charged()
	if r := b.mustGet("/v1/items", token, home); r.code() != "" {
		t.Fatalf("a token of another node: %+v", r.Error)
	}
	if r := a.mustGet("/v1/items", token, home); r.code() != "" || r.Meta.Token.Calls != 2 {
		t.Errorf("the second call, at the first node: %+v", r)
	}
	if r := a.mustGet("/v1/items", token, elsewhere); r.code() != "token_hijacked" {
		t.Errorf("from elsewhere: %+v", r)
	}
	if r := b.mustGet("/v1/items", token, home); r.code() != "token_hijacked" {
		t.Errorf("a dead token at the other node: %+v", r)
	}
	for _, s := range []*server{a, b} { // before any of them is asked for usage, which all copy for
		var shown struct {
			Calls int `json:"calls_this_month"`
		}
		s.must(s.CommandJSON(&shown, "tenant", "show", "acme"))
		if shown.Calls != before+2 {
			t.Errorf("tenant show says %d calls instead of %d", shown.Calls, before+2)
		}
	}
	for _, s := range nodes {
		if got := s.charged() - before; got != 2 {
			t.Errorf("charged %d calls instead of 2", got)
		}
	}

	// What is changed on one node applies on the other.
	other := b.tokens(1)[0]
	if r := b.mustGet("/v1/items", other, "203.0.113.20"); r.code() != "" {
		t.Fatalf("%+v", r)
	}
	a.command("address", "block", "203.0.113.20")
	began := time.Now()
	b.soon("a block by hand", func() bool { return b.mustGet("/v1/items", other, "203.0.113.20").code() == "address_blocked" })
	if d := time.Since(began); d > time.Second {
		t.Errorf("a block by hand took %s", d)
	}
	secret, err := b.Tenant("beta")
	b.must(err)
	a.soon("a tenant", func() bool { _, err := a.Token("beta", secret); return err == nil })
	a.command("key", "rotate")
	fresh := a.tokens(1)[0]
	if r := b.mustGet("/v1/items", fresh, "203.0.113.30"); r.code() != "" {
		t.Errorf("a token by a new key: %+v", r)
	}
	a.write("more.jsonl", `{"id":"new","title":"A new item"}`+"\n")
	a.command("content", "import", "more.jsonl")
	b.soon("an item", func() bool { return b.mustGet("/v1/items/new", fresh, "203.0.113.30").code() == "" })
	testNodesLimit(t, nodes)
	testNodesSession(t, a, b)
	testNodesList(t, nodes)
}

// testNodesLimit checks that nodes together admit exactly the calls that a token has.
func testNodesLimit(t *testing.T, nodes []*server) {
	nodes[0].command("tenant", "set", "acme", "policy.token.calls=20")
	token := ""
	for _, s := range nodes {
		s.soon("the limit of a token", func() bool {
			token = s.tokens(1)[0]
			return s.mustGet("/v1/items", token, "203.0.113.40").Meta.Token.Limit == 20
		})
	}
	var answered atomic.Int64
	answered.Add(1)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			r, err := nodes[i%len(nodes)].get("/v1/items", token, "203.0.113.40")
			if err != nil {
				t.Error(err)
			}
			if r.code() == "" {
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	if n := answered.Load(); n != 20 {
		t.Errorf("%d calls of 20 were answered", n)
	}
}

// testNodesSession checks that a session of the console is valid on all nodes.
func testNodesSession(t *testing.T, a, b *server) {
	var added struct{ Name, Password string }
	a.must(a.CommandJSON(&added, "admin", "add", "ada", "--role", "owner"))
	jar, err := cookiejar.New(nil)
	a.must(err)
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	get := func(s *server, path string) string {
		req, err := http.NewRequest("GET", s.AdminURL+path, nil)
		s.must(err)
		return send(s, client, req)
	}
	page := get(a, "/sign-in")
	_, csrf, _ := strings.Cut(page, `name="csrf" value="`)
	csrf, _, _ = strings.Cut(csrf, `"`)
	form := url.Values{"csrf": {csrf}, "name": {added.Name}, "password": {added.Password}}
	req, err := http.NewRequest("POST", a.AdminURL+"/sign-in", strings.NewReader(form.Encode()))
	a.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", a.AdminURL)
	send(a, client, req)
	for _, s := range []*server{a, b} { // cookies don't depend on the port
		if page := get(s, "/account"); !strings.Contains(page, added.Name) {
			t.Errorf("not signed in at %s: %.200s", s.AdminURL, page)
		}
	}
}

func send(s *server, client *http.Client, req *http.Request) string {
	s.t.Helper()
	res, err := client.Do(req)
	s.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	s.must(err)
	return string(text)
}

// testNodesList checks the list of nodes, and that a node that stops is gone from it.
func testNodesList(t *testing.T, nodes []*server) {
	var list []struct {
		Name, Kind, State string
		Differs           []string `json:"settings_differ"`
	}
	a, b := nodes[0], nodes[1]
	a.must(a.CommandJSON(&list, "nodes"))
	if len(list) != 2 || list[1].Name != "n2" || list[1].Kind != "server" || list[1].State != "live" || len(list[1].Differs) != 0 {
		t.Errorf("%+v", list)
	}
	before := a.charged()
	token := b.tokens(1)[0]
	if r := b.mustGet("/v1/items", token, "203.0.113.60"); r.code() != "" {
		t.Errorf("%+v", r)
	}
	b.must(b.Stop())
	a.must(a.CommandJSON(&list, "nodes"))
	if len(list) != 1 {
		t.Errorf("after a node has stopped: %+v", list)
	}
	if got := a.charged() - before; got != 1 {
		t.Errorf("the last call of a node that stopped was counted %d times", got)
	}
	// A command on a machine without a server opens the same.
	var keys []json.RawMessage
	b.must(b.CommandJSON(&keys, "key", "list"))
	if len(keys) != 2 || b.charged() != a.charged() {
		t.Errorf("without a server: %d keys, %d calls", len(keys), b.charged())
	}
	// An empty data directory is filled again.
	b.must(os.RemoveAll(filepath.Join(b.Dir, "data")))
	b.must(b.Start())
	if r := b.mustGet("/v1/items/new", b.tokens(1)[0], "203.0.113.61"); r.code() != "" {
		t.Errorf("%+v", r)
	}
}
