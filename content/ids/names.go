package ids

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/corpus/words"
)

// MaxLen is the maximum length of an id.
const MaxLen = 128

// Allows reports whether an id may have a character.
func Allows(r rune) bool {
	return r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

// Of makes an id from a name. It removes accents, replaces / by a dot, and replaces characters that
// an id can't have by a dash. If that loses letters, or the whole last part of a path, or the id
// would be too long, a part of the name's hash keeps different names apart. The same name always
// has the same id, in either Unicode spelling.
func Of(name string) string {
	var b strings.Builder
	lost := false
	name = words.Name(name)
	for _, r := range norm.NFD.String(name) {
		switch {
		case r == '/':
			b.WriteByte('.')
		case Allows(r):
			b.WriteRune(r)
		case unicode.In(r, unicode.Mn):
		default:
			lost = lost || r > unicode.MaxASCII
			b.WriteByte('-')
		}
	}
	id := strings.Trim(dashes(b.String()), "-.")
	if lost || len(id) > MaxLen || isSigns(name) {
		return WithHash(id, name)
	}
	return id
}

// isSigns reports whether an id keeps nothing of the last part of a path, as in common/[.
func isSigns(name string) bool {
	last := norm.NFD.String(name[strings.LastIndexByte(name, '/')+1:])
	return !strings.ContainsFunc(last, func(r rune) bool { return Allows(r) && r != '.' && r != '-' })
}

// WithHash returns an id with a part of the hash of a name, shortened if it would be too long.
func WithHash(id, name string) string {
	return strings.Trim(id[:min(len(id), MaxLen-hashLen-1)]+"-"+Hash(name), "-")
}

// dashes replaces several dashes in a row by one.
func dashes(s string) string {
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "-")
	}
	return s
}

const hashLen = 10

// Hash returns a short name of s.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:hashLen]
}
