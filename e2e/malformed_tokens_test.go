package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// TestS27GarbageLeavesNoTrace sends a million requests with bad tokens: bad
// signatures, keys that do not exist, ids of challenges that were never made.
// Nothing of them is kept.
func TestS27GarbageLeavesNoTrace(t *testing.T) {
	s := newSite(t, "")
	good := s.tokens(1)[0]
	if a := s.mustGet("/v1/items/i1", good, ""); a.code() != "" {
		t.Fatal(a.code())
	}
	s.garbage(good, 0, 100_000) // so that pools and buffers have their size
	memory, size := s.memory(), s.dataSize()
	s.garbage(good, 100_000, 1_000_000)
	if grown := s.memory() - memory; grown > 20 {
		t.Errorf("memory grew by %d MB", grown)
	}
	if grown := s.dataSize() - size; grown > 100_000 { // what the good call left behind is still being tidied
		t.Errorf("the data grew by %d bytes", grown)
	}
	if a := s.mustGet("/v1/items/i1", good, ""); a.code() != "" || a.Meta.Token.Calls != 2 {
		t.Errorf("the good token afterwards: %+v", a)
	}
}

func (s *site) dataSize() (n int) {
	for _, text := range s.files() {
		n += len(text)
	}
	return n
}

// garbage sends requests number from to to, over 16 connections, each in
// batches that do not wait for an answer before the next is sent.
func (s *site) garbage(good string, from, to int) {
	s.t.Helper()
	const workers, batch = 16, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
			if err != nil {
				s.t.Error(err)
				return
			}
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			for n := from + w*batch; n < to; n += workers * batch {
				var out strings.Builder
				for i := n; i < n+batch; i++ {
					fmt.Fprintf(&out, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", badRequest(good, i))
				}
				if _, err := io.WriteString(conn, out.String()); err != nil {
					s.t.Error(err)
					return
				}
				for range batch {
					if err := refusal(in); err != nil {
						s.t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// badRequest is the path of garbage number i.
func badRequest(good string, i int) string {
	parts := strings.Split(good, ".")
	noise := fmt.Sprintf("%086d", i)
	switch i % 4 {
	case 0: // a signature that is none
		parts[2] = noise[:85] + "A"
	case 1: // a key that is none
		parts[0] = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","typ":"at+jwt","kid":"k%d"}`, i))
	case 2: // no token
		parts = []string{noise}
	case 3: // a challenge that is none
		return fmt.Sprintf("/v1/challenges/%d/answer?answer=%d&client_id=acme&access_token=%s", i, i, noise)
	}
	return "/v1/items?callback=cb&client_id=acme&access_token=" + strings.Join(parts, ".")
}

// refusal reads one answer, which must be small and refuse.
func refusal(in *bufio.Reader) error {
	length := 0
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if line == "\r\n" {
			break
		}
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return err
	}
	if length > 4096 || !strings.Contains(string(body), `"error"`) {
		return fmt.Errorf("garbage was answered: %.300s", body)
	}
	return nil
}
