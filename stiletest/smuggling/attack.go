package smuggling

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a response to an attack is waited for. Most have one at once, or none.
const patience = 100 * time.Millisecond

// Attack sends all requests, each on a connection of its own, while four visitors call over
// connections that stay open. Each visitor must get the response to the own call, whatever was left
// on the connections between a proxy and stile.
func Attack(t testing.TB, dial func() (net.Conn, error), host string) {
	t.Helper()
	var attackers, visitors sync.WaitGroup
	var done atomic.Bool
	var calls atomic.Int64
	for v := range 4 {
		visitors.Go(func() {
			for n := 0; !done.Load(); {
				if err := visit(dial, host, v, &n, &done, &calls); err != nil {
					t.Errorf("visitor %d: %v", v, err)
					return
				}
			}
		})
	}
	requests := make(chan string)
	for range 8 {
		attackers.Go(func() {
			for text := range requests {
				if err := attack(dial, text); err != nil {
					t.Errorf("%q: %v", text, err)
				}
			}
		})
	}
	for _, text := range Requests(host) {
		requests <- text
	}
	close(requests)
	attackers.Wait()
	done.Store(true)
	visitors.Wait()
	if calls.Load() < 100 {
		t.Errorf("only %d calls of visitors", calls.Load())
	}
}

// attack sends a request and reads what comes. A server may respond anything, or close.
func attack(dial func() (net.Conn, error), text string) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	_, _ = io.Copy(io.Discard, c)
	return nil
}

// visit calls on one connection until it ends. The name of the callback says whose response comes.
func visit(dial func() (net.Conn, error), host string, visitor int, n *int, done *atomic.Bool, calls *atomic.Int64) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for ; !done.Load(); *n++ {
		_ = c.SetDeadline(time.Now().Add(time.Minute)) // only to give up
		name := fmt.Sprintf("v%d_%d", visitor, *n)
		if _, err := io.WriteString(c, "GET /v1/items/a?callback="+name+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
			return nil // a proxy may close a connection between two calls
		}
		res, err := http.ReadResponse(in, nil)
		if errors.Is(err, io.ErrUnexpectedEOF) || err != nil && strings.Contains(err.Error(), "reset") {
			return nil
		}
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasPrefix(string(body), "/**/ typeof "+name+" ") {
			return fmt.Errorf("the response to %s is %s %.200q %v", name, res.Status, body, err)
		}
		calls.Add(1)
	}
	return nil
}
