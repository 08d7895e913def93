package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"path"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stile.example/stile/corpus/words"
)

// maxID is the maximum length of an id.
const maxID = 128

// ID makes an id from a name. It removes accents, replaces / by a dot, and replaces characters that
// an id can't have by a dash. If that loses letters, or the whole last part of a path, or the id
// would be too long, a part of the name's hash keeps different names apart. The same name always
// has the same id, in either Unicode spelling.
func ID(name string) string {
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
	if lost || len(id) > maxID || isSigns(name) {
		return withHash(id, name)
	}
	return id
}

func inID(r rune) bool {
	return r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

// isSigns reports whether an id has nothing of the last part of a path, as in common/[.
func isSigns(name string) bool {
	last := norm.NFD.String(name[strings.LastIndexByte(name, '/')+1:])
	return !strings.ContainsFunc(last, func(r rune) bool { return inID(r) && r != '.' && r != '-' })
}

func withHash(id, name string) string {
	return strings.Trim(id[:min(len(id), maxID-hashLen-1)]+"-"+Hash(name), "-")
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

// ID returns the id of a file that has none of its own.
func (f *Files) ID(name string) string {
	if id, changed := f.ids[name]; changed {
		return id
	}
	return ID(stem(name))
}

func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// Distinguish gives different ids to files whose names result in one, such as C.md and C++.md. The
// file whose name is that id keeps it. The others, or all if no name or several are that id, get a
// part of the hash of their names. takesPart reports whether a file needs an id: one with an id of
// its own, or that is not imported, changes nothing.
func (f *Files) Distinguish(takesPart func(name string) bool) {
	f.ids = map[string]string{}
	for id, names := range f.same() {
		var all, exact []string
		for _, name := range names {
			if takesPart(name) {
				all = append(all, name)
				if strings.ReplaceAll(stem(name), "/", ".") == id {
					exact = append(exact, name)
				}
			}
		}
		for _, name := range all {
			if len(all) > 1 && (len(exact) != 1 || name != exact[0]) {
				f.ids[name] = withHash(id, words.Name(name))
			}
		}
	}
}

// same returns the names that result in the same id. It keeps a hash of the others only, since
// there may be a million files.
func (f *Files) same() map[string][]string {
	seed, first, groups := maphash.MakeSeed(), map[uint64]int{}, map[string][]string{}
	for i, file := range f.All {
		if file.Err != nil || file.Other {
			continue
		}
		id := ID(stem(file.Name))
		key := maphash.String(seed, id)
		n, seen := first[key]
		switch {
		case !seen:
			first[key] = i
		case len(groups[id]) > 0:
			groups[id] = append(groups[id], file.Name)
		case ID(stem(f.All[n].Name)) == id:
			groups[id] = []string{f.All[n].Name, file.Name}
		}
	}
	return groups
}
