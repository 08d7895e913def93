package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/labstack/echo/v4"

	"stile.example/stile/stiletest"
)

const itemID = "item-1"

// newSubject starts a server, or nodes, with a tenant, a corpus and tokens. It makes each token's
// first call, which binds the token.
func newSubject(dir, binary, name string, tokens int, nodes *stiletest.Nodes) (*subject, error) {
	s := &subject{name: name, server: &stiletest.Server{Binary: binary, Dir: dir, Nodes: nodes, Env: stiletest.NoChallenges(),
		Settings: "trusted_proxies: [127.0.0.1]\npolicy: {token: {calls: 1000000000, records: 1000000000}}"}}
	if err := s.server.Start(); err != nil {
		return nil, err
	}
	called := s.server
	if nodes != nil {
		called = nodes.Node(0)
	}
	s.addr = strings.TrimPrefix(called.URL, "http://")
	if err := s.fill(tokens); err != nil {
		s.server.Kill()
		return nil, err
	}
	return s, nil
}

// calls returns the measurement of calls without proofs, at the address.
func (s *subject) calls(name, addr string, pids ...int) *measurement {
	return &measurement{name: name, subject: s, run: func(p plan) (result, error) {
		p.addr, p.requests = addr, s.share(p.conns)
		return p.runAgainst(pids...)
	}}
}

// callsWithProofs returns the measurement of calls with a key proof each. It prepares half as many
// again as were answered without proofs, so that the server can't answer all of them in time.
func (s *subject) callsWithProofs(name string, without *measurement, pid int) *measurement {
	return &measurement{name: name, subject: s, run: func(p plan) (result, error) {
		before := without.results[len(without.results)-1].calls
		p.addr, p.once = s.addr, true
		var err error
		if p.requests, err = s.withProofs(p.conns, before/p.conns*3/2+1); err != nil {
			return result{}, err
		}
		return p.runAgainst(pid)
	}}
}

// fill imports one item, adds the tenant, and obtains and binds its tokens.
func (s *subject) fill(tokens int) error {
	file := filepath.Join(s.server.Dir, "corpus.jsonl")
	item := `{"id":"` + itemID + `","collection":"bench","title":"An item","summary":"` + strings.Repeat("Words to read. ", 20) +
		`","body":"<p>` + strings.Repeat("More words to read. ", 50) + `</p>","tags":["a","b"]}`
	if err := os.WriteFile(file, []byte(item+"\n"), 0o600); err != nil {
		return err
	}
	if _, err := s.server.Command("content", "import", file); err != nil {
		return err
	}
	secret, err := s.server.Tenant("acme", "--site", "https://www.acme.example")
	if err != nil {
		return err
	}
	all := make([]string, 2*tokens) // one half is bound to an address, the other to keys
	err = parallel(len(all), func(n int) (err error) {
		all[n], err = s.server.Token("acme", secret)
		return err
	})
	if err != nil {
		return err
	}
	s.tokens = all[:tokens]
	if err := s.bindAddress(); err != nil {
		return err
	}
	return s.bindKeys(all[tokens:])
}

// bindAddress makes one call with each token, which binds it to this machine's address. It stores
// the body of the last response.
func (s *subject) bindAddress() error {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, token := range s.tokens {
		body, err := roundTrip(conn, in, s.request(token))
		if err != nil || !strings.HasPrefix(body, bodyStart) {
			return fmt.Errorf("first call: %s %v", body, err)
		}
		s.body = []byte(body)
	}
	s.answered = len(s.tokens)
	return nil
}

// bareServer is another process of this program, which serves the bare handler.
type bareServer struct {
	*exec.Cmd
	addr string
}

// startBare starts the bare handler, and reads the address that it prints.
func startBare(dir string, body []byte) (*bareServer, error) {
	file := filepath.Join(dir, "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bareServer{Cmd: exec.Command(self, "-bare", file)}
	b.Stderr = os.Stderr
	out, err := b.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	b.addr = strings.TrimSpace(line)
	return b, err
}

// serveBare responds to every request for an item with the file's bytes. It does nothing else, so
// it measures what Echo itself costs.
func serveBare(file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	e := echo.New()
	e.GET("/v1/items/:id", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", body)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, e)
}
