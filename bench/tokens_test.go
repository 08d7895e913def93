package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stile.example/stile/bench/load"
	"stile.example/stile/stiletest"
)

// made returns tokens that begin with the same characters.
func made(t *testing.T, n, groups int) *tokenSet {
	t.Helper()
	set := newTokenSet(groups)
	for i := 0; i < n; i += 2 {
		if err := set.add([]string{fmt.Sprintf("head.%07d.tail", i), fmt.Sprintf("head.%07d.tail", 9_000_000-i)}); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// TestTokensAreShared checks that the connections share all tokens of their groups, and that no two
// use the same one.
func TestTokensAreShared(t *testing.T) {
	for _, tt := range []struct{ tokens, groups, conns int }{{100, 1, 1}, {2000, 64, 64}, {2000, 250, 1000}, {2002, 250, 251}} {
		set := made(t, tt.tokens, tt.groups)
		next, user := set.once(tt.conns), map[int]int{}
		for conn := range tt.conns {
			for {
				i, ok := next(conn)
				if !ok {
					break
				}
				if i%tt.groups != conn%tt.groups {
					t.Fatalf("%v: connection %d uses token %d of another group", tt, conn, i)
				}
				if _, used := user[i]; used {
					t.Fatalf("%v: two connections use token %d", tt, i)
				}
				user[i] = conn
			}
		}
		if len(user) != tt.tokens {
			t.Errorf("%v: %d tokens are used", tt, len(user))
		}
		random := set.atRandom(tt.conns, 1)
		for n := range 10_000 {
			if i, ok := random(n % tt.conns); !ok || user[i] != n%tt.conns {
				t.Fatalf("%v: connection %d uses token %d of connection %d", tt, n%tt.conns, i, user[i])
			}
		}
	}
}

// TestTokensAreSmall checks that what tokens have in common is stored once, and that they are
// complete again.
func TestTokensAreSmall(t *testing.T) {
	set := made(t, 1000, 1)
	if set.start != "head." || set.len() != 1000 || len(set.rests) != 1000*len("0000000.tail") {
		t.Errorf("start %q, %d tokens, %d bytes", set.start, set.len(), len(set.rests))
	}
	if got := set.start + string(set.rest(2)); got != "head.0000002.tail" {
		t.Errorf("token 2 is %q", got)
	}
	for _, other := range []string{"head.short", "body.0000000.tail"} {
		if err := set.add([]string{other}); err == nil {
			t.Errorf("%s: no error", other)
		}
	}
}

func TestPlanOfCalls(t *testing.T) {
	set := made(t, 2, 1)
	script := call{path: "/v1/items", query: "&q=apple", want: []byte("a")}
	for _, tt := range []struct {
		call call
		want string
	}{
		{script, "GET /v1/items?callback=cb&client_id=acme&q=apple&access_token=head.0000000.tail HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: bench\r\nReferer: https://www.acme.example/\r\n\r\n"},
		{oneItemJSON, "GET /v1/items/item-1?client_id=acme HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: bench\r\nReferer: https://www.acme.example/\r\nAuthorization: Bearer head.0000000.tail\r\n\r\n"},
		{oneItemForm, "POST /v1/items/item-1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nUser-Agent: bench\r\nReferer: https://www.acme.example/\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 45\r\n\r\nclient_id=acme&access_token=head.0000000.tail"},
	} {
		p := set.plan("127.0.0.1:1", 1, []call{tt.call}, set.once(1))
		if got, want := p.Next(0, nil); string(got) != tt.want || string(want) != string(tt.call.want) {
			t.Errorf("%q, expecting %q", got, want)
		}
		p.Next(0, nil)
		if got, _ := p.Next(0, nil); got != nil {
			t.Errorf("a third token: %q", got)
		}
	}
}

// TestAddresses checks that the tokens of a group come from one address, which only groups have.
func TestAddresses(t *testing.T) {
	set := made(t, 4, 2)
	p := set.plan("127.0.0.1:1", 2, []call{oneItemJSON}, set.once(2))
	for conn, want := range []string{"\r\nX-Forwarded-For: 198.18.0.1\r\n", "\r\nX-Forwarded-For: 198.18.1.1\r\n"} {
		if got, _ := p.Next(conn, nil); !strings.Contains(string(got), want) {
			t.Errorf("connection %d sends %q", conn, got)
		}
	}
}

// TestCorpus checks that each word is in the titles of enough items for a full page of a search.
func TestCorpus(t *testing.T) {
	file := filepath.Join(t.TempDir(), "corpus.jsonl")
	if err := writeCorpus(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found, ids := map[string]int{}, map[string]bool{}
	for line := range bytes.Lines(text) {
		var item struct{ ID, Title string }
		if err := json.Unmarshal(line, &item); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		ids[item.ID] = true
		for _, word := range words {
			if strings.Contains(item.Title, word) {
				found[word]++
			}
		}
	}
	if len(ids) != itemCount || !ids[itemID] {
		t.Errorf("%d items of %d", len(ids), itemCount)
	}
	for _, word := range words {
		if found[word] < 20 {
			t.Errorf("%q is in %d titles", word, found[word])
		}
	}
}

// TestCounted checks which calls the usage counts.
func TestCounted(t *testing.T) {
	if !isCounted(queries("/v1/items")[0]) || !isCounted(oneItem) || isCounted(queries("/v1/suggest")[0]) {
		t.Error("searches and items are counted, and suggestions are not")
	}
}

func TestReadWrk(t *testing.T) {
	const out = `Running 3s test @ http://127.0.0.1:1
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.91ms    5.60ms  48.74ms   92.01%
  Latency Distribution
     50%  950.00us
     75%    1.45ms
     90%    2.53ms
     99%   40.41ms
  63427 requests in 3.03s, 101.08MB read
`
	r, err := readWrk(out)
	if err != nil || r.Calls != 63427 || int(r.PerSecond()) != 20933 {
		t.Errorf("%d calls, %v/s, %v", r.Calls, r.PerSecond(), err)
	}
	if p50, p99 := r.Latencies.Percentile(.5), r.Latencies.Percentile(.99); p50.Microseconds()/10 != 95 || p99.Milliseconds() != 40 {
		t.Errorf("p50 %v, p99 %v", p50, p99)
	}
	for _, failed := range []string{out + "  Non-2xx or 3xx responses: 3\n", out + "  Socket errors: connect 0, read 1, write 0, timeout 0\n", "nothing"} {
		if _, err := readWrk(failed); err == nil {
			t.Errorf("no error: %s", failed)
		}
	}
}

// result returns the outcome of a round.
func result(perSecond int, p99 float64) load.Result {
	h := &load.Histogram{}
	h.Add(ms(p99))
	return load.Result{Calls: perSecond, Elapsed: ms(1000), Latencies: h, CPU: ms(100), OwnCPU: ms(20)}
}

// TestPublicPEM checks the form of the key that other programs get.
func TestPublicPEM(t *testing.T) {
	jwk := stiletest.SameKey().JWK()
	text, err := publicPEM(jwk["x"].(string), jwk["y"].(string))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil || !stiletest.SameKey().P256.PublicKey.Equal(key) {
		t.Errorf("%v, %v", key, err)
	}
	if _, err := publicPEM("AA", "AA"); err == nil {
		t.Error("no error for a short key")
	}
}
