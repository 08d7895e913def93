package connections

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const steadySize = 6 << 20

// serveSteady serves a file of steadySize, which clients must take at a rate. It returns the URL,
// and a channel that gets the error of each response, nil if the file was sent completely.
func serveSteady(t *testing.T, rate int64, grace time.Duration) (url string, failed chan error) {
	t.Helper()
	failed = make(chan error, 10)
	server := newServerTLS(t, func(w http.ResponseWriter, r *http.Request) {
		out := NewSteady(w)
		out.rate, out.grace = rate, grace
		var err error
		for sent := 0; sent < steadySize && err == nil; sent += 32 << 10 {
			if err = r.Context().Err(); err == nil {
				_, err = out.Write(make([]byte, 32<<10))
			}
		}
		failed <- err
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	})
	server.ReadTimeout, server.WriteTimeout = 2*time.Second, 2*time.Second
	return "https://" + serveTLS(t, server, 10) + "/", failed
}

// clients returns a client of each version of HTTP, which buffers little.
func clients() map[string]*http.Client {
	config := func(protocol string) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}}
	}
	one := &http.Transport{TLSClientConfig: config("http/1.1"), DialContext: narrowDial}
	two := &http.Transport{TLSClientConfig: config("h2"), DialContext: narrowDial, ForceAttemptHTTP2: true}
	return map[string]*http.Client{"HTTP/1.1": {Transport: one}, "HTTP/2": {Transport: two}}
}

func narrowDial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	}
	return c, err
}

// TestSteady checks that a client that takes a file slowly but steadily gets it whole, though that
// takes longer than the server's limits, and that one that takes less than the rate does not.
func TestSteady(t *testing.T) {
	for name, client := range clients() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, failed := serveSteady(t, 512<<10, time.Second)
			res, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(res.Proto, name) {
				t.Fatalf("the protocol is %s", res.Proto)
			}
			start, total := time.Now(), int64(0)
			for err == nil { // 2 MB a second
				var n int64
				n, err = io.CopyN(io.Discard, res.Body, 200<<10)
				total += n
				time.Sleep(100 * time.Millisecond)
			}
			res.Body.Close()
			if serverErr := <-failed; err != io.EOF || total != steadySize || serverErr != nil || time.Since(start) < 2*time.Second {
				t.Errorf("%d bytes in %v: %v, server: %v", total, time.Since(start), err, serverErr)
			}
		})
		t.Run(name+" too slow", func(t *testing.T) {
			t.Parallel()
			url, failed := serveSteady(t, 4<<20, time.Second)
			start := time.Now()
			res, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for err == nil { // 100 kB a second: an endless download
					_, err = io.CopyN(io.Discard, res.Body, 10<<10)
					time.Sleep(100 * time.Millisecond)
				}
				res.Body.Close()
			}()
			select {
			case err := <-failed:
				if took := time.Since(start); err == nil || took > 5*time.Second {
					t.Errorf("ended after %v: %v", took, err)
				}
			case <-time.After(8 * time.Second):
				t.Error("a slow reader holds its response")
			}
		})
	}
}

// TestSteadyBody checks that a body, and the work after it, may take longer than the limits.
func TestSteadyBody(t *testing.T) {
	server := newServerTLS(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, SteadyBody(w, r.Body))
		time.Sleep(2500 * time.Millisecond)
		if err == nil {
			err = r.Context().Err()
		}
		fmt.Fprint(w, n, err)
	})
	server.ReadTimeout, server.WriteTimeout = 2*time.Second, 2*time.Second
	url := "https://" + serveTLS(t, server, 10) + "/"
	for name, client := range clients() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, w := io.Pipe()
			go func() {
				for range 25 {
					io.WriteString(w, "x")
					time.Sleep(100 * time.Millisecond)
				}
				w.Close()
			}()
			res, err := client.Post(url, "text/plain", r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(res.Body)
			if string(got) != "25 <nil>" || err != nil {
				t.Errorf("got %q %v", got, err)
			}
		})
	}
}
