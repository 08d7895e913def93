package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
)

// subject is a server, or several nodes, with a corpus and a tenant.
type subject struct {
	name     string
	server   *stiletest.Server
	addr     string // of the node that is called, or of the only server
	secret   string // of the tenant
	answered int    // counted calls that were answered
}

// newSubject starts a server, or nodes, until the part is over. Its settings are those of the
// measurements and further ones.
func (b *bench) newSubject(name string, nodes *stiletest.Nodes, settings ...string) (*subject, error) {
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	const limits = "trusted_proxies: [127.0.0.1]\npolicy: {token: {calls: 1000000000, records: 1000000000, bind_within: 24h}}\n"
	s := &subject{name: name, server: &stiletest.Server{Binary: b.binary, Dir: dir, Nodes: nodes, Env: stiletest.NoChallenges(),
		Settings: limits + strings.Join(settings, "\n")}}
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	b.later(func() { s.server.Kill() })
	called := s.server
	if nodes != nil {
		called = nodes.Node(0)
	}
	s.addr = strings.TrimPrefix(called.URL, "http://")
	b.current = append(b.current, s)
	return s, s.fill()
}

// fill imports the corpus and adds the tenant. Tokens are signed with ES256 from then on, which
// other programs can check too.
func (s *subject) fill() (err error) {
	file := filepath.Join(s.server.Dir, "corpus.jsonl")
	if err := writeCorpus(file); err != nil {
		return err
	}
	if _, err := s.server.Command("content", "import", file); err != nil {
		return err
	}
	if s.secret, err = s.server.Tenant("acme", "--site", "https://www.acme.example"); err != nil {
		return err
	}
	_, err = s.server.Command("key", "rotate", "--alg", "ES256")
	return err
}

// newTokens issues tokens, and makes each token's first call, which binds it to its group's
// address.
func (s *subject) newTokens(n, groups int) (*tokenSet, error) {
	return s.newTokensAt(s.addr, n, groups)
}

// newTokensAt makes the first calls at an address, such as that of a proxy.
func (s *subject) newTokensAt(addr string, n, groups int) (*tokenSet, error) {
	t, err := s.issue(n, min(groups, widest))
	if err != nil {
		return nil, err
	}
	first := oneItem
	first.want = admitted
	p := t.plan(addr, t.groups, []call{first}, t.once(t.groups))
	p.Duration = time.Hour
	r, err := p.Run()
	s.answered += r.Calls
	if err != nil || r.Calls != n {
		return nil, fmt.Errorf("%d of %d first calls: %w", r.Calls, n, err)
	}
	return t, nil
}

// issue gets tokens from the token endpoint, 100 with each request.
func (s *subject) issue(n, groups int) (*tokenSet, error) {
	const each = 100
	t := newTokenSet(groups)
	var mu sync.Mutex
	err := parallel((n+each-1)/each, func(i int) error {
		tokens, err := s.tokens(min(each, n-i*each))
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		return t.add(tokens)
	})
	return t, err
}

// tokens gets up to 100 tokens.
func (s *subject) tokens(n int) ([]string, error) {
	body := fmt.Sprintf("grant_type=client_credentials&count=%d", n)
	req, err := http.NewRequest("POST", s.server.URL+"/oauth/token", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth("acme", s.secret)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var tokens struct {
		All []string `json:"access_tokens"`
	}
	if err := json.Unmarshal(text, &tokens); err != nil || len(tokens.All) != n {
		return nil, fmt.Errorf("token endpoint: %s, %d tokens of %d, %v", res.Status, len(tokens.All), n, err)
	}
	return tokens.All, nil
}

// calls returns the measurement of calls with tokens at random, at an address.
func (b *bench) calls(key, name string, s *subject, t *tokenSet, addr string, calls []call, pids ...int) *kind {
	k := &kind{key: key, name: name}
	if isCounted(calls[0]) {
		k.subject = s
	}
	seed := uint64(0)
	k.measure = func() (load.Result, error) {
		seed++
		p := t.plan(addr, b.conns, calls, t.atRandom(b.conns, seed))
		p.Duration, p.Rate = b.duration, b.rate
		return p.RunAgainst(pids...)
	}
	return k
}

// own returns the measurement of a subject that is one server.
func (b *bench) own(key, name string, s *subject, t *tokenSet, calls []call) *kind {
	return b.calls(key, name, s, t, s.addr, calls, s.server.PID())
}

// checkUsage checks that exactly the calls that were answered are charged.
func (s *subject) checkUsage() error {
	var lines []struct{ Calls int }
	if err := s.server.CommandJSON(&lines, "usage", "--tenant", "acme"); err != nil {
		return err
	}
	charged := 0
	for _, l := range lines {
		charged += l.Calls
	}
	if charged != s.answered {
		return fmt.Errorf("%s: the usage shows %d calls, but %d were answered", s.name, charged, s.answered)
	}
	fmt.Printf("usage with %s: %d calls charged, %d answered\n", s.name, charged, s.answered)
	return nil
}

// parallel runs fn for 0 to n-1, eight at a time. It returns one of the errors, if there are any.
func parallel(n int, fn func(int) error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		next  = make(chan int)
	)
	for range 8 {
		wg.Go(func() {
			for i := range next {
				if err := fn(i); err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return first
}
