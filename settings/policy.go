package settings

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// IsPolicy reports whether a running server can adopt another value of the setting: for all
// tenants, or for one too if k.Tenant is set.
func (k Key) IsPolicy() bool { return k.Tenant || k.Live }

// Written returns the value of a setting as it is written in a file: 24h, or a list with commas.
func (s *Settings) Written(k Key) string {
	text := s.texts[k.Name]
	if k.value.list {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
		items := strings.Fields(text)
		for i := range items {
			items[i] = asWritten(items[i])
		}
		return strings.Join(items, ", ")
	}
	return asWritten(text)
}

// asWritten returns one value as it is written in a file. Only durations are stored in another form.
func asWritten(text string) string {
	if d, err := time.ParseDuration(text); err == nil && d.String() == text {
		return Short(d)
	}
	return text
}

// Changed returns the settings with other values of policy settings, and all problems of these. The
// error is of type [Problems].
func (s *Settings) Changed(values map[string]string) (*Settings, error) {
	own := *s
	own.texts = maps.Clone(s.texts)
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
