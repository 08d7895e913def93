package confirmation

import (
	"bytes"
	"strings"
	"testing"
)

// TestConfirm checks that only the right word, as a whole line, confirms.
func TestConfirm(t *testing.T) {
	for in, want := range map[string]bool{"acme\n": true, " acme \n": true, "other\n": false, "acme": false, "\n": false, "": false} {
		var asked bytes.Buffer
		err := Prompt{strings.NewReader(in), &asked, true}.Confirm(false, "it goes", "acme")
		if (err == nil) != want || asked.String() != "it goes.\nType acme to do it: " {
			t.Errorf("%q: %v, %q", in, err, asked.String())
		}
	}
}
