package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// billed returns a harness with a closed month: 25 single items and 5 lists of 10. Its clock is
// after the closing.
func billed(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, "public_url: https://api.example\n")
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	h.clock.Store(&at)
	var items strings.Builder
	for i := range 12 {
		fmt.Fprintf(&items, `{"id":"i%d","title":"Item %d"}`+"\n", i, i)
	}
	h.write("items.jsonl", items.String())
	h.serve()
	h.must("content", "import", filepath.Join(h.dir, "items.jsonl"))
	h.must("tenant", "add", "acme", "--name", "=Acme <b>&\"", "--price", "0.002", "--price-per-record", "0.0001", "--tier", "calls:11=0.001", "--currency", "EUR")
	token := strings.TrimSpace(h.must("token", "issue", "acme"))
	for i := range 25 {
		if status, body := h.get(fmt.Sprintf("/v1/items/i%d?client_id=acme", i%12), token); status != 200 {
			t.Fatal(body)
		}
	}
	for range 5 {
		if status, body := h.get("/v1/items?client_id=acme&limit=10", token); status != 200 {
			t.Fatal(body)
		}
	}
	out := h.must("statement", "show", "acme")
	if !strings.Contains(out, "preliminary: the month is open until 2026-12-03 00:00 UTC") || !strings.Contains(out, "0.0475 EUR") || !strings.Contains(out, "projection") {
		t.Errorf("the open month: %s", out)
	}
	if _, err, code := h.run("statement", "export", "acme", "2026-11"); code != failed || !strings.Contains(err, "2026-11 is open until 2026-12-03 00:00 UTC; `stile statement show acme 2026-11`") {
		t.Errorf("export of an open month: %s", err)
	}
	if out := h.must("statement", "show", "acme", "2020-01"); !strings.Contains(out, "never closed: nothing was used in this month or before it") || strings.Contains(out, "open until") {
		t.Errorf("a month without usage: %s", out)
	}
	res, err := http.Get(h.public + "/.well-known/stile-statement-keys")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if _, err := fmt.Fprint(&b, h.must("statement", "key")); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 1000)
	n, _ := res.Body.Read(text)
	if got := string(text[:n]); !strings.HasSuffix(got, "\n"+b.String()) || !strings.HasPrefix(b.String(), "stile-statements+") {
		t.Errorf("published %q, printed %q", got, b.String())
	}
	if out := h.must("statement", "key", "--json"); !strings.Contains(out, `"url":"https://api.example/.well-known/stile-statement-keys"`) {
		t.Errorf("the URL of the keys: %s", out)
	}
	h.write("keys.txt", string(text[:n]))
	h.end()
	early := time.Date(2026, 12, 2, 23, 59, 59, 0, time.UTC)
	h.clock.Store(&early)
	if out := h.must("statement", "close"); out != "2026-11 closes on 2026-12-03 00:00 UTC\n" {
		t.Errorf("closed early: %s", out)
	}
	late := early.Add(time.Second)
	h.clock.Store(&late)
	if out := h.must("statement", "show", "acme", "2026-11"); !strings.Contains(out, "preliminary: the month is due since 2026-12-03 00:00 UTC") {
		t.Errorf("a month that is due: %s", out)
	}
	if _, out, _ := h.run("statement", "export", "acme", "2026-11"); !strings.Contains(out, "2026-11 is due, but not closed yet") {
		t.Errorf("a month that is due: %s", out)
	}
	if out := h.must("statement", "close"); !strings.Contains(out, "2026-11  acme    1       30     75       0.0475  EUR       2026-12-03\n2026-12 closes on 2027-01-03") {
		t.Errorf("closing: %s", out)
	}
	return h
}

// TestDueAsCalled checks that the advice to close a month begins with the name that the program was
// called by.
func TestDueAsCalled(t *testing.T) {
	h := billed(t)
	h.set(time.Date(2027, 1, 3, 0, 0, 0, 0, time.UTC))
	var out, err bytes.Buffer
	p := h.program(&out, &err)
	p.name = "./bin/stile"
	if code := p.main(t.Context(), []string{"statement", "show", "acme", "2026-12"}); code != done || !strings.Contains(out.String(), "or `./bin/stile statement close` does now") {
		t.Errorf("exit %d: %s%s", code, out.String(), err.String())
	}
}

// TestExactStatement checks that 25 single items and 5 lists of 10 are 25 and 5 calls and 75
// records everywhere, with the same amounts: 10 calls at 0.002, 20 at 0.001, 75 records at 0.0001.
func TestExactStatement(t *testing.T) {
	h := billed(t)
	want := `[{"tenant":"acme","day":"2026-11-20","route":"item","calls":25,"records":25,"amount":0.0375},{"tenant":"acme","day":"2026-11-20","route":"items","calls":5,"records":50,"amount":0.01}]` + "\n"
	for _, args := range []string{"usage --json", "usage --from 2026-11-20 --to 2026-11-20 --json"} {
		if out := h.must(strings.Fields(args)...); out != want {
			t.Errorf("%s: %s", args, out)
		}
	}
	var s struct {
		Rows []struct {
			Day, Route     string
			Calls, Records int64
			Amount         json.Number
		}
		Calls, Records int64
		Amount         json.Number
		Preliminary    bool
	}
	if err := json.Unmarshal([]byte(h.must("statement", "show", "acme", "2026-11", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s); got != "{[{2026-11-20 item 25 25 0.0375} {2026-11-20 items 5 50 0.01}] 30 75 0.0475 false}" {
		t.Errorf("%s", got)
	}
	if out := h.must("statement", "list", "--json"); !strings.HasPrefix(out, `[{"tenant":"acme","name":"=Acme \u003cb\u003e\u0026\"","month":"2026-11","number":1,"closed_at":"2026-12-03T00:00:00Z","currency":"EUR","calls":30,"records":75,"amount":0.0475,"lines":2,"hash":"`) &&
		!strings.HasPrefix(out, `[{"tenant":"acme","name":"=Acme <b>&\"","month":"2026-11","number":1,"closed_at":"2026-12-03T00:00:00Z","currency":"EUR","calls":30,"records":75,"amount":0.0475,"lines":2,"hash":"`) {
		t.Errorf("%s", out)
	}
	if _, err, code := h.run("tenant", "set", "acme", "--price", "0@2026-11-30"); code != failed || !strings.Contains(err, "prices before 2026-12-01 can't be changed; give a day from 2026-12-01 on") {
		t.Errorf("a price of a closed month: %s", err)
	}
	h.must("tenant", "set", "acme", "--price", "0.5@2026-12-01")
	if out := h.must("usage", "--json"); out != want {
		t.Errorf("after a later price: %s", out)
	}
}

// TestVerify verifies each format without a data directory, and checks that a change is found.
func TestVerify(t *testing.T) {
	h := billed(t)
	for _, format := range []string{"json", "csv", "ndjson", "html"} {
		h.must("statement", "export", "acme", "2026-11", filepath.Join(h.dir, "s."+format), "--format", format)
	}
	h.must("statement", "prove", "acme", "2026-11", "--line", "2")
	h.write("proof.txt", h.must("statement", "prove", "acme", "2026-11", "--line", "2"))
	if err := os.RemoveAll(filepath.Join(h.dir, "data")); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(h.dir, "keys.txt")
	for _, format := range []string{"json", "csv", "ndjson", "html"} {
		file := filepath.Join(h.dir, "s."+format)
		for _, args := range [][]string{{"--key", keys}, {}, {"--json"}} {
			if out := h.must(append([]string{"usage", "verify", file}, args...)...); !strings.Contains(out, "valid") || strings.Contains(out, `"valid":false`) {
				t.Errorf("%s %v: %s", format, args, out)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range text {
			if i%101 != 0 {
				continue // a few of them
			}
			text[i] = c ^ 1
			h.write("changed."+format, string(text))
			text[i] = c
			out, _, code := h.run("usage", "verify", filepath.Join(h.dir, "changed."+format), "--key", keys)
			if code != failed {
				t.Fatalf("%s: byte %d, %q, was changed: exit %d, %s", format, i, text[max(0, i-20):min(len(text), i+20)], code, out)
			}
		}
	}
	json := filepath.Join(h.dir, "s.json")
	text, _ := os.ReadFile(json)
	h.write("s2.json", strings.Replace(string(text), `"calls":25,"records":25,"hash"`, `"calls":24,"records":25,"hash"`, 1))
	out, err, code := h.run("usage", "verify", filepath.Join(h.dir, "s2.json"), "--key", keys, "--json")
	if code != failed || !strings.Contains(out, `{"line":4,"text":"the ledger line was changed: it is`) || !strings.Contains(err, "s2.json:4: the ledger line was changed") ||
		!strings.Contains(err, "2026-11-20, item: the ledger lines add up to 24 calls and 25 records, and the statement says 25 and 25") {
		t.Errorf("a changed line: %d %s %s", code, out, err)
	}
	proof := filepath.Join(h.dir, "proof.txt")
	if out := h.must("usage", "verify", proof, "--statement", filepath.Join(h.dir, "s.html"), "--key", keys); !strings.Contains(out, "2 of 2: token ") || !strings.Contains(out, "the line is in the statement") {
		t.Errorf("proof: %s", out)
	}
	if _, err, code := h.run("usage", "verify", proof); code != usageError || !strings.Contains(err, "--statement") {
		t.Errorf("a proof alone: %s", err)
	}
	other := "stile-statements+0e6a4e73+AVyJsOIVoXtpTuBPgk7jt5EaXbBTO3iEvDuVaGhFlfG/"
	if _, err, code := h.run("usage", "verify", json, "--key", other); code != failed {
		t.Errorf("another key: %s", err)
	}
	if _, err, code := h.run("usage", "verify", json, "--previous", strings.Repeat("0", 64)); code != failed || !strings.Contains(err, "does not follow the given one") {
		t.Errorf("another previous one: %s", err)
	}
}
