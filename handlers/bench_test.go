package handlers

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"stile.example/stile/handlers/connections"
	"stile.example/stile/handlers/plain"
)

// script is the response of both handlers of the benchmark, except the token's part of meta, which
// changes from call to call.
var script = "/**/ typeof cb === 'function' && cb(" + `{"data":{"id":"one","title":"` + strings.Repeat("t", 600) + `"},"meta":{"token":{"calls":`

// BenchmarkBare is a bare Echo handler with the body of BenchmarkCall.
func BenchmarkBare(b *testing.B) {
	e := echo.New()
	body := []byte(script + `17,"calls_limit":2000000000,"expires_in":86400}}});`)
	e.GET("/v1/items/:id", func(c echo.Context) error {
		return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", body)
	})
	load(b, connections.Server(e), []string{"/v1/items/one?callback=cb&client_id=acme&access_token=" + strings.Repeat("x", 430)})
}

// BenchmarkCall is a protected JSONP call by 2,000 tokens. Its store is a map, so it measures the
// share of this package.
func BenchmarkCall(b *testing.B) {
	s := newSite(b)
	s.API.Log = slog.New(slog.DiscardHandler)
	collecting(s)
	s.policy.Token.Calls, s.policy.Token.Records, s.policy.Token.SpikeCalls = 2_000_000_000, 2_000_000_000, 2_000_000_000
	s.corpus.item = []byte(strings.TrimSuffix(strings.TrimPrefix(script, "/**/ typeof cb === 'function' && cb({\"data\":"), `,"meta":{"token":{"calls":`))
	paths := make([]string, 2000)
	for i := range paths {
		paths[i] = with("/v1/items/one", "callback", "cb", "client_id", "acme", "access_token", s.mint())
	}
	load(b, plain.New(connections.Server(s.handler), s.RefuseMalformed), paths)
}

// load sends b.N requests over 64 connections, and checks each body: a refusal over JSONP has
// status 200 too.
func load(b *testing.B, server interface {
	Serve(net.Listener) error
	Close() error
}, paths []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go server.Serve(connections.Limit(l, 100))
	defer server.Close()
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	const conns = 64
	var wg sync.WaitGroup
	for n := range conns {
		wg.Go(func() {
			if err := client(l.Addr().String(), paths, n, (b.N+conns-1-n)/conns); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpu returns the CPU time that this process has used, clients included. It is more accurate than
// the clock if other programs run at the same time.
func cpu(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func client(addr string, paths []string, first, calls int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReaderSize(c, 16<<10)
	var out []byte
	for i := range calls {
		out = append(out[:0], "GET "...)
		out = append(out, paths[(first+i*64)%len(paths)]...)
		out = append(out, " HTTP/1.1\r\nHost: a\r\n\r\n"...)
		if _, err := c.Write(out); err != nil {
			return err
		}
		if err := readResponse(in); err != nil {
			return err
		}
	}
	return nil
}

func readResponse(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			break
		}
	}
	body, err := in.Peek(length)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(body, []byte(script)) {
		return fmt.Errorf("not the response: %.300s", body)
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}
