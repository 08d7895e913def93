package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/store/sqlite"
)

// TestS27MalformedTokensLeaveNoTrace sends a million requests with invalid signatures, unknown
// keys, malformed tokens and unknown challenges. The server stores nothing about them.
func TestS27MalformedTokensLeaveNoTrace(t *testing.T) {
	s := newServer(t, "")
	valid := s.tokens(1)[0]
	if a := s.mustGet("/v1/items/i1", valid, ""); a.code() != "" {
		t.Fatal(a.code())
	}
	s.sendInvalid(valid, 0, 100_000) // so that pools and buffers reach their size
	memory, size := s.memory(), s.dataSize()
	s.sendInvalid(valid, 100_000, 1_000_000)
	if grown := s.memory() - memory; grown > 20 {
		t.Errorf("memory grew by %d MB", grown)
	}
	// The rows of the valid call may still be written.
	if grown := s.dataSize() - size; grown > 100_000 {
		t.Errorf("the data grew by %d bytes", grown)
	}
	if a := s.mustGet("/v1/items/i1", valid, ""); a.code() != "" || a.Meta.Token.Calls != 2 {
		t.Errorf("the valid token afterwards: %+v", a)
	}
}

// dataSize returns the size of all data, in bytes. Of the database it counts the pages with data:
// its write-ahead log grows with time, since the same rows of the history are written every 5 s.
func (s *server) dataSize() (n int) {
	s.t.Helper()
	file := filepath.Join(s.Dir, "data", "stile.db")
	db := sqlite.OpenReaders(file)
	defer db.Close()
	s.must(db.QueryRow(`
		SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).Scan(&n))
	for path, text := range s.files() {
		if !strings.HasPrefix(path, file) {
			n += len(text)
		}
	}
	return n
}

// sendInvalid sends the requests with numbers from to to-1 over 16 connections, in batches that do
// not wait for a response before the next request.
func (s *server) sendInvalid(valid string, from, to int) {
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
					fmt.Fprintf(&out, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", invalidPath(valid, i))
				}
				if _, err := io.WriteString(conn, out.String()); err != nil {
					s.t.Error(err)
					return
				}
				for range batch {
					if err := readRefusal(in); err != nil {
						s.t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// invalidPath returns the path of invalid request i.
func invalidPath(valid string, i int) string {
	parts := strings.Split(valid, ".")
	digits := fmt.Sprintf("%086d", i)
	switch i % 4 {
	case 0: // an invalid signature
		parts[2] = digits[:85] + "A"
	case 1: // an unknown key
		parts[0] = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"EdDSA","typ":"at+jwt","kid":"k%d"}`, i))
	case 2: // not a token
		parts = []string{digits}
	case 3: // an unknown challenge
		return fmt.Sprintf("/v1/challenges/%d/answer?answer=%d&client_id=acme&access_token=%s", i, i, digits)
	}
	return "/v1/items?callback=cb&client_id=acme&access_token=" + strings.Join(parts, ".")
}

// readRefusal reads one response, which must be a refusal of at most 4 KiB.
func readRefusal(in *bufio.Reader) error {
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
		return fmt.Errorf("not a refusal of at most 4 KiB: %.300s", body)
	}
	return nil
}
