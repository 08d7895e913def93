package challenge

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// theirs is the result of npm altcha-lib.
type theirs struct {
	Node, Web struct {
		Counter    uint32
		DerivedKey string
	}
	Ours, Wrong struct{ Verified, Expired, InvalidSignature bool }
}

// TestS31AltchaSolvesOurs checks that an unchanged altcha-lib solves each level, with Node's crypto
// and with WebCrypto, and that its verifySolution accepts our solver's counter and refuses the one
// next to it.
func TestS31AltchaSolvesOurs(t *testing.T) {
	type solved struct {
		Parameters *Parameters `json:"parameters"`
		Solution   struct {
			Counter    uint32 `json:"counter"`
			DerivedKey string `json:"derivedKey"`
		} `json:"solution"`
	}
	m := newMaker(t)
	var ids []string
	var ours []solved
	for level := range uint8(MaxLevel + 1) {
		a := ask(Work, uint16(level))
		a.Level, a.Expires = level, time.Unix(1<<32-1, 0) // altcha-lib reads the real clock
		c := make1(t, m, a)
		found, err := Solve(context.Background(), *c.Parameters)
		if err != nil {
			t.Fatal(err)
		}
		s := solved{Parameters: c.Parameters}
		s.Solution.Counter, s.Solution.DerivedKey = found.Counter, hex.EncodeToString(found.Key)
		ids, ours = append(ids, c.ID), append(ours, s)
	}
	var all []theirs
	altcha(t, ours, &all)
	if len(all) != len(ours) {
		t.Fatalf("%d were asked, %d answered", len(ours), len(all))
	}
	for i, got := range all {
		answer := sealed{answer: got.Node.Counter}.text()
		if !m.IsCorrect(ids[i], answer) || got.Web != got.Node || got.Node.DerivedKey != ours[i].Solution.DerivedKey {
			t.Errorf("level %d: altcha-lib finds %+v, want %+v", i, got, ours[i].Solution)
		}
		if !got.Ours.Verified || got.Wrong.Verified || got.Wrong.InvalidSignature {
			t.Errorf("level %d: altcha-lib returns %+v for our counter, %+v for another", i, got.Ours, got.Wrong)
		}
	}
}

// altcha runs testdata/node/altcha.mjs with the locked version of its package.
func altcha(t *testing.T, ask, answer any) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%v: this test needs Node.js 18 or newer: apt-get install nodejs npm", err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/node")); err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(ask)
	if err != nil {
		t.Fatal(err)
	}
	node(t, dir, nil, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--loglevel=error")
	out := node(t, dir, in, "node", "altcha.mjs")
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func node(t *testing.T, dir string, in []byte, name string, args ...string) []byte {
	t.Helper()
	// npm may download, as other tests do at the same time.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr strings.Builder
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return out
}
