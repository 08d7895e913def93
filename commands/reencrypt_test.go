package commands

import (
	"strings"
	"testing"

	"stile.example/stile/stiletest/engines"
)

// TestReencrypt checks that key reencrypt names the key that encrypts, and says if it does already.
func TestReencrypt(t *testing.T) {
	old, next := strings.Repeat("5e", 32), strings.Repeat("6f", 32)
	h := newHarness(t, "")
	file := h.write("store_key", old+"\n"+next+"\n")
	h.write("stile.yaml", "listen: 127.0.0.1:0\nadmin_listen: 127.0.0.1:0\ndata: "+h.dir+"/data\nstore: "+engines.Postgres(t)+"\nstore_key_file: "+file+"\n")
	h.serve()
	before := h.must("key", "reencrypt")
	h.end()
	if !strings.HasPrefix(before, "everything is already encrypted with the key ") {
		t.Errorf("with the old key first: %s", before)
	}
	h.write("store_key", next+"\n"+old+"\n")
	after := h.must("key", "reencrypt")
	if !strings.HasPrefix(after, "encrypted 1 value again with the key ") || keyIn(after) == keyIn(before) || strings.Contains(after, next[:8]) {
		t.Errorf("with the new key first: %s", after)
	}
	if again := h.must("key", "reencrypt"); !strings.HasPrefix(again, "everything is already encrypted with the key ") || keyIn(again) != keyIn(after) {
		t.Errorf("again: %s", again)
	}
}

// keyIn returns the key that a text names.
func keyIn(text string) string {
	_, rest, _ := strings.Cut(text, "the key ")
	key, _, _ := strings.Cut(rest, ",")
	return key
}
