package content

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/corpus/words"
)

// slug makes an id from a name. It removes accents, replaces / by a dot, and replaces characters
// that an id can't have by a dash. If that loses letters, or the id would be too long, a part of
// the name's hash keeps different names apart. The same name always has the same id, in either
// Unicode spelling.
func slug(name string) string {
	var b strings.Builder
	lost := false
	name = words.Name(name)
	for _, r := range norm.NFD.String(name) {
		switch {
		case r == '/':
			b.WriteByte('.')
		case inID(r):
			b.WriteRune(r)
		case unicode.In(r, unicode.Mn):
		default:
			lost = lost || r > unicode.MaxASCII
			b.WriteByte('-')
		}
	}
	id := strings.Trim(dashes(b.String()), "-.")
	if lost || len(id) > maxID || id == "" {
		id = strings.Trim(id[:min(len(id), maxID-hashLen-1)]+"-"+hash(name), "-")
	}
	return id
}

// dashes replaces several dashes in a row by one.
func dashes(s string) string {
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return s
}

const hashLen = 10

// hash returns a short name of s.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:hashLen]
}
