package settings

import (
	"errors"
	"fmt"
	"strings"

	"stile.example/stile/editdistance"
)

// Problem is one invalid setting, and where it is.
type Problem struct {
	Where   string `json:"where"` // FILE:LINE, an environment variable or a flag
	Key     string `json:"key"`   // dotted name, or ""
	Problem string `json:"problem"`
	Allowed string `json:"allowed,omitempty"`
}

// Error returns "WHERE: key: problem; must be …". A flag or a variable is the name of its key
// already.
func (f Problem) Error() string {
	var b strings.Builder
	where, key := f.Where, f.Key
	if k := (Key{Name: key}); where == k.Env() || where == "--"+k.Flag() {
		key = ""
	}
	for _, part := range []string{where, key} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(f.Problem)
	switch {
	case f.Allowed == "":
	case strings.HasPrefix(f.Problem, "must "):
		b.WriteString(": " + f.Allowed)
	default:
		b.WriteString("; must be " + f.Allowed)
	}
	return b.String()
}

// valueError says what a value must be.
type valueError struct{ value, want string }

func (e *valueError) Error() string { return e.value + ": must be " + e.want }

// mustBe returns the error for a value that is not what its setting takes.
func mustBe(text, want string) error { return &valueError{quote(text), want} }

// anyOf returns words for a message: "a, b or c".
func anyOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// problemOf returns an error in a value as a problem, with what is allowed unless the error says
// it.
func problemOf(err error, allowed string) *Problem {
	if _, said := errors.AsType[*valueError](err); said {
		allowed = ""
	}
	return &Problem{Problem: err.Error(), Allowed: allowed}
}

// Problems lists every problem of the settings, in the order of the sources.
type Problems []Problem

func (fs Problems) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// unknown returns the problem of a name that does not exist.
func unknown(where, name string) Problem {
	f := Problem{Where: where, Key: name, Problem: "unknown setting"}
	if section(name) {
		f.Problem = "is a section: its settings must be below it"
	} else if near := nearest(name); near != "" {
		f.Problem += fmt.Sprintf("; did you mean %s?", near)
	} else {
		f.Problem += "; `stile help settings` lists all settings"
	}
	return f
}

// nearest returns the key that name is probably a misspelling of, or "".
func nearest(name string) (best string) {
	least := 1 + max(2, len(name)/5)
	for _, k := range table {
		last := k.Name[strings.LastIndexByte(k.Name, '.')+1:]
		d := editdistance.Between(name, k.Name)
		if last == name { // the right name in the wrong section
			d = 1
		}
		if d < least {
			best, least = k.Name, d
		}
	}
	return best
}

// nearestVariable returns the variable that v is probably a misspelling of, or "". It is stricter
// than [nearest], because variables of other programs may have our prefix too: a third of the
// letters of a short name may differ, and a quarter of a long one.
func nearestVariable(v string) (best string) {
	name := strings.ToUpper(v[len(prefix):])
	least := 1 + min(max(1, len(name)/3), max(2, len(name)/4))
	consider := func(own string, d int) {
		if extends(name, own) || extends(own, name) && len(name) > 3 {
			d = 1
		}
		if d < least {
			best, least = prefix+own, d
		}
	}
	for _, k := range table {
		own := strings.TrimPrefix(k.Env(), prefix)
		d := editdistance.Between(name, own)
		// Without the sections; but STILE_CLIENT_ID is usually a tenant's, not the console's.
		if strings.HasSuffix(k.Name, "."+strings.ToLower(name)) && !strings.HasPrefix(k.Name, "console.") {
			d = 1
		}
		consider(own, d)
	}
	own := strings.TrimPrefix(configVariable, prefix)
	consider(own, editdistance.Between(name, own))
	return best
}

// extends reports whether long is short with another word, such as DATA_DIR, or is abbreviated to
// it, such as CONF.
func extends(long, short string) bool {
	rest, ok := strings.CutPrefix(long, short)
	switch {
	case !ok || short == "":
		return false
	case rest == "DIR" || rest == "FILE" || rest == "PATH":
		return true
	}
	return strings.HasPrefix(rest, "_") || short == "CONF"
}
