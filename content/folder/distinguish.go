package folder

import (
	"hash/maphash"
	"path"
	"strings"

	"stile.example/stile/content/ids"
	"stile.example/stile/corpus/words"
)

// ID returns the id of a file that has none of its own.
func (f *Files) ID(name string) string {
	if id, changed := f.ids[name]; changed {
		return id
	}
	return ids.Of(stem(name))
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
				f.ids[name] = ids.WithHash(id, words.Name(name))
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
		id := ids.Of(stem(file.Name))
		key := maphash.String(seed, id)
		n, seen := first[key]
		switch {
		case !seen:
			first[key] = i
		case len(groups[id]) > 0:
			groups[id] = append(groups[id], file.Name)
		case ids.Of(stem(f.All[n].Name)) == id:
			groups[id] = []string{f.All[n].Name, file.Name}
		}
	}
	return groups
}
