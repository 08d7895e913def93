package valkey

import (
	"testing"

	"stile.example/stile/store/states"
)

// TestSlots: the checksum is that of the specification, and there is a tag for each slot.
func TestSlots(t *testing.T) {
	if got := slotOf([]byte("123456789")); got != 0x31C3 {
		t.Errorf("slot %#x, want 0x31C3", got)
	}
	for slot, tag := range slotTags() {
		if slotOf([]byte(tag)) != slot || len(tag) > 4 {
			t.Fatalf("tag %q of slot %d is of slot %d", tag, slot, slotOf([]byte(tag)))
		}
	}
}

func TestNames(t *testing.T) {
	n := newNames("one:", true)
	k := states.Key{Kind: 't', ID: "0123456789abcdef"}
	key, slot := n.value(k)
	if want := "one:t:{MDEyMzQ1Njc4OWFiY2RlZg}"; key != want {
		t.Errorf("%s, want %s", key, want)
	}
	if got, want := n.once(k, [16]byte{255}), "one:p:{MDEyMzQ1Njc4OWFiY2RlZg}:_wAAAAAAAAAAAAAAAAAAAA"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := n.epoch(slot), "one:e:{"+slotTags()[slot]+"}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, ok := n.key(key); got != k || !ok {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, other := range []string{"", "one:", "one:e", "t:{MDE}", "one:t:{?}", "one:t:{MDE}x", "one:p:{MDE}:_w", "two:t:{MDE}"} {
		if got, ok := n.key(other); ok {
			t.Errorf("%s: %+v", other, got)
		}
	}
	if got, want := newNames(`a*?[b]\`, false).pattern('t'), `a\*\?\[b\]\\t:{*}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := newNames("x:", false).epoch(7); got != "x:e" {
		t.Error(got)
	}
}
