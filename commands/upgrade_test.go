package commands

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"stile.example/stile/store/storetest"
)

// previous is a data directory that the program of commit 5c92445 wrote and that was killed: three
// tenants, one suspended and one removed, items, two signing keys, tokens that are live, hijacked
// and revoked, a blocked and an allowed range, refusals, and usage of three days before in the
// ledger. Some states are in the journal only, and rows in the write-ahead log only. Next to it,
// expected.txt has commands with what that program printed, t1 and t2 are two tokens, and at is the
// time at the end. For the usage of the past, that program ran with its clock set back.
const previous = "../store/testdata/5c92445.tar.gz"

// previousSettings are the settings that the program of commit 5c92445 had.
const previousSettings = "public_url: https://api.example\ntrusted_proxies: [127.0.0.1]\npolicy:\n  address: {bindings: 2}\n  token: {calls: 50}\n"

// TestR8_PreviousRelease checks that each command prints the same about the data of the previous
// release as that release did, that its tokens continue where they were, and that everything
// agrees.
func TestR8_PreviousRelease(t *testing.T) {
	h := newHarness(t, previousSettings)
	data := filepath.Join(h.dir, "data")
	storetest.Unpack(t, previous, data)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	seconds, err := strconv.ParseInt(read("at"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(seconds+2, 0).UTC()
	h.clock.Store(&at)
	if out, _, code := h.run("fsck"); code != failed || !strings.Contains(out, "written by an older version") {
		t.Errorf("a check before the upgrade: exit %d %s", code, out)
	}
	commands := strings.Split("\n"+read("expected.txt"), "\n$ ")[1:]
	for _, c := range commands {
		command, want, _ := strings.Cut(c, "\n")
		got := h.must(strings.Fields(command)...)
		if !sameLines(t, got, want+"\n") {
			t.Errorf("stile %s\nnow\n%sbefore\n%s", command, got, want)
		}
	}
	if len(commands) < 10 {
		t.Errorf("only %d commands", len(commands))
	}
	if out := h.must("fsck"); !strings.HasSuffix(out, "\neverything agrees\n") {
		t.Errorf("after the upgrade: %s", out)
	}
	h.serve()
	for _, c := range []struct{ token, want string }{{"t1", `"calls":6,`}, {"t2", `"token_hijacked"`}} {
		if body := getFrom(t, h, "192.0.2.31", read(c.token)); !strings.Contains(body, c.want) {
			t.Errorf("%s: %s, want %s", c.token, body, c.want)
		}
	}
}

// sameLines reports whether each line of JSON has all that it had before. It may have more.
func sameLines(t *testing.T, got, want string) bool {
	t.Helper()
	news, olds := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i, old := range olds {
		var a, b any
		if old == "" {
			continue
		}
		if i >= len(news) || json.Unmarshal([]byte(old), &a) != nil || json.Unmarshal([]byte(news[i]), &b) != nil || !includes(b, a) {
			return false
		}
	}
	return len(news) == len(olds)
}

// includes reports whether a JSON value has everything that another has.
func includes(now, before any) bool {
	switch b := before.(type) {
	case map[string]any:
		n, ok := now.(map[string]any)
		for name, value := range b {
			ok = ok && includes(n[name], value)
		}
		return ok
	case []any:
		n, ok := now.([]any)
		if !ok || len(n) != len(b) {
			return false
		}
		for i := range b {
			ok = ok && includes(n[i], b[i])
		}
		return ok
	}
	return reflect.DeepEqual(now, before)
}

// getFrom makes a call of a visitor with an address.
func getFrom(t *testing.T, h *harness, address, token string) string {
	t.Helper()
	req, err := http.NewRequest("GET", h.public+"/v1/items?client_id=acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", address)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
