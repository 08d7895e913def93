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
	"testing"
	"time"

	"stile.example/stile/datadir"
)

// newNodesOf starts servers that share a database, and an engine of states. Clients reach them
// under one public URL.
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
		s.within("the tenant and the corpus are known", func() bool {
			token, err := s.Token("acme", s.secret)
			return err == nil && s.mustGet("/v1/items", token, "192.0.2.250").Status == http.StatusOK
		})
	}
	return all
}

// TestThreeNodesSession: a session of the console is valid on all nodes.
func TestThreeNodesSession(t *testing.T) {
	nodes := newServer(t, trusting).all()
	a := nodes[0]
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
	for _, s := range nodes { // cookies don't depend on the port
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

// TestThreeNodesList: a node that stops is gone from the list of nodes, and what it counted is not
// lost. Commands work on its machine without a server. If its data directory is lost, its start
// fills it again. A node that was killed is gone from the list once it was started again.
func TestThreeNodesList(t *testing.T) {
	s := newServer(t, trusting)
	nodes := s.all()
	a, b := nodes[0], nodes[1]
	var list []struct {
		Name, Kind, State string
		Differs           []string `json:"settings_differ"`
		Tasks             []struct{ Name string }
	}
	s.must(a.CommandJSON(&list, "nodes"))
	if len(list) != 3 || list[1].Name != "node2" || list[1].Kind != "server" || list[1].State != "live" || len(list[1].Differs) != 0 {
		t.Errorf("%+v", list)
	}
	tokens := s.tokens(2)
	if r := b.mustGet("/v1/items", tokens[0], "203.0.113.60"); r.code() != "" {
		t.Errorf("%+v", r)
	}
	s.must(b.Stop())
	s.must(a.CommandJSON(&list, "nodes"))
	if len(list) != 2 || list[1].Name != "node3" {
		t.Errorf("after a node has stopped: %+v", list)
	}
	var keys []json.RawMessage
	s.must(b.CommandJSON(&keys, "key", "list"))
	if there, here := a.charged(), b.charged(); len(keys) != 1 || there != 1 || here != 1 {
		t.Errorf("without a server: %d keys; the last call of a node that stopped was counted %d times, or %d times", len(keys), there, here)
	}
	s.must(os.RemoveAll(filepath.Join(b.Dir, "node2")))
	// Killed with the task, node2 would keep that from the others for up to 10 s more.
	s.within("another node has the task that removes dead nodes", func() bool {
		list = nil
		s.must(a.CommandJSON(&list, "nodes"))
		for _, n := range list {
			for _, task := range n.Tasks {
				if task.Name == datadir.Upkeep {
					return true
				}
			}
		}
		return false
	})
	s.must(b.Start())
	if r := b.mustGet("/v1/items/i1", tokens[1], "203.0.113.61"); r.code() != "" {
		t.Errorf("%+v", r)
	}
	s.must(b.Kill())
	s.must(b.Start())
	s.within("only the node that was started again is listed", func() bool {
		list = nil
		s.must(a.CommandJSON(&list, "nodes"))
		return len(list) == 3 && list[1].Name == "node2" && list[1].State == "live"
	})
}
