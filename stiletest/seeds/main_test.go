package main

import (
	"fmt"
	"testing"
)

func TestChoose(t *testing.T) {
	of := func(blocks ...string) features {
		f := features{}
		for _, b := range blocks {
			f[b] = true
		}
		return f
	}
	all := map[string]features{"a": of("1", "2"), "b": of("2", "3", "4"), "c": of("1", "5"), "d": of("4", "5")}
	for most, want := range map[int]string{0: "[]", 1: "[b]", 2: "[b c]", 9: "[b c]"} {
		if got := fmt.Sprint(choose(of("9"), all, most)); got != want {
			t.Errorf("at most %d: %s, want %s", most, got, want)
		}
	}
	if got := choose(of("1", "2", "3", "4", "5", "6"), all, 9); len(got) != 0 {
		t.Errorf("nothing is new, but %v were chosen", got)
	}
}
