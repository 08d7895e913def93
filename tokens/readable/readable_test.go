package readable

import (
	"strings"
	"testing"
	"time"
)

// TestText checks that a text from outside is short, on one line and without control characters.
func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"account": "account", "https://a.example/b": "https://a.example/b", "": `""`, "a b": `"a b"`, "\x1b[31m\n": `"\x1b[31m\n"`, "\xff": `"\ufffd"`,
		strings.Repeat("x", 64): strings.Repeat("x", 64), strings.Repeat("x", 65): strings.Repeat("x", 64) + "…",
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := Text(strings.Repeat("\x00", 64)); len(got) > maxText {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

func TestList(t *testing.T) {
	if got := List([]string{"a", "b", "c", "d", "e"}, ", "); got != "a, b, c, 2 more" {
		t.Error(got)
	}
	if got := Allowed([]string{"at+jwt", ""}); got != "at+jwt or none" {
		t.Error(got)
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[time.Duration]string{time.Millisecond: "less than 1 s", 90 * time.Second: "90 s", 3 * time.Minute: "3 min", 26 * time.Hour: "26 h", 50 * time.Hour: "2 days"} {
		if got := Duration(in); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
}
