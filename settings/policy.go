package settings

import (
	"maps"
	"slices"
)

// IsPolicy reports whether a running server can adopt another value of the setting: for all
// tenants, or for one too if k.Tenant is set.
func (k Key) IsPolicy() bool { return k.Tenant || k.Live }

// Written returns the value of a setting as it was written; a list has commas.
func (s *Settings) Written(k Key) string { return s.written[k.Name] }

// IsDefault reports whether a setting has its default, however that was written.
func (s *Settings) IsDefault(k Key) bool {
	plain := Settings{texts: map[string]string{}, written: map[string]string{}}
	plain.apply(defaults())
	return plain.texts[k.Name] == s.texts[k.Name]
}

// Changed returns the settings with other values of policy settings, and all problems of these. The
// error is of type [Problems].
func (s *Settings) Changed(values map[string]string) (*Settings, error) {
	own := *s
	own.texts, own.written = maps.Clone(s.texts), maps.Clone(s.written)
	var all []given
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if k, known := find(name); known && !k.IsPolicy() {
			problems = append(problems, Problem{Key: name, Problem: "can't change while the server runs, so it is not part of the policy"})
			continue
		}
		all = append(all, given{name: name, texts: []string{values[name]}})
	}
	problems = append(problems, own.apply(all)...)
	if own.Policy.Token.BindWithin > own.Policy.Lifetime {
		own.Policy.Token.BindWithin = own.Policy.Lifetime
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &own, nil
}
