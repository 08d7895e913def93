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
	"stile.example/stile/stiletest/leftovers"
)

// bareFlag makes this program a bare server.
const bareFlag = "-serve-bare"

// process is a server of another program, or of this one.
type process struct {
	addr string
	pids []int
}

// bare starts a bare handler: of Echo, or of net/http if the name is "http". It sends the body.
func (b *bench) bare(name string, body []byte) (*process, error) {
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, bareFlag, file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := leftovers.Start(cmd); err != nil {
		return nil, err
	}
	b.later(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	return &process{strings.TrimSpace(line), []int{cmd.Process.Pid}}, err
}

// serveBare responds to every request for an item, a list or suggestions with the file's bytes. It
// does nothing else, so it measures what Echo or net/http itself costs.
func serveBare(file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	kind := "text/javascript; charset=utf-8"
	if body[0] == '{' {
		kind = "application/json"
	}
	length := fmt.Sprint(len(body)) // without it, net/http sends more than 2 KiB in chunks
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	if filepath.Base(file) == "http" {
		return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Length", length)
			w.Write(body)
		}))
	}
	send := func(c echo.Context) error {
		c.Response().Header().Set("Content-Length", length)
		return c.Blob(http.StatusOK, kind, body)
	}
	e := echo.New()
	e.GET("/v1/items/:id", send)
	e.GET("/v1/items", send)
	e.GET("/v1/suggest", send)
	return http.Serve(l, e)
}

// bareKind returns the measurement of a bare server: the first of the calls, with the same tokens.
func (b *bench) bareKind(key, name, server string, t *tokenSet, calls []call, body []byte) (*kind, error) {
	p, err := b.bare(server, body)
	if err != nil {
		return nil, err
	}
	return b.foreign(key, name, p, t, calls), nil
}

// foreign returns the measurement of another program, which sends the body of the first call.
func (b *bench) foreign(key, name string, p *process, t *tokenSet, calls []call) *kind {
	same := make([]call, len(calls))
	for i, c := range calls {
		same[i] = c
		same[i].want = calls[0].want
	}
	k := b.calls(key, name, nil, t, p.addr, same, p.pids...)
	k.isOther = true
	return k
}
