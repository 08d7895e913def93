package transport

import (
	"strings"

	"stile.example/stile/handlers/codes"
)

// maxShown is the maximum length of a parameter's name that a response repeats, in bytes.
const maxShown = 64

// plainName returns a parameter's name without brackets. jQuery, PHP and Rails write a list as
// tag[], PHP and qs also as tag[0], and a member of an object as attribute[NAME]. The NAME in
// attribute.NAME, min.NAME and max.NAME may contain brackets, as an attribute's name in the corpus
// may. Any other name with brackets is an error: its value would be ignored, and the call charged.
func plainName(name string) (string, error) {
	if !strings.ContainsAny(name, "[]") {
		return name, nil
	}
	if mark, is := strings.CutPrefix(name, "tag"); is && isListMark(mark) {
		return "tag", nil
	}
	if rest, is := strings.CutPrefix(name, "attribute["); is {
		member, mark, closed := strings.Cut(rest, "]")
		if closed && member != "" && !strings.Contains(member, "[") && (mark == "" || isListMark(mark)) {
			return "attribute." + member, nil
		}
		return name, bracketError(name)
	}
	open := max(strings.LastIndexByte(name, '['), 0)
	switch isList := isListMark(name[open:]); {
	case strings.HasPrefix(name, "attribute.") && isList:
		return name[:open], nil
	case strings.HasPrefix(name, "attribute."), !isList && (strings.HasPrefix(name, "min.") || strings.HasPrefix(name, "max.")):
		return name, nil
	}
	return name, bracketError(name)
}

// isListMark reports whether the end of a name says that it is one of a list: [] or [0].
func isListMark(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' && strings.Trim(s[1:len(s)-1], "0123456789") == ""
}

// bracketError refuses a name with brackets. It repeats the name only if that has no characters but
// those of the API's own names.
func bracketError(name string) error {
	const known = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-[]"
	which := "a parameter's name"
	if len(name) <= maxShown && strings.Trim(name, known) == "" {
		which = "the parameter " + name
	}
	return codes.Malformed(which + " has brackets, which only tag[] and attribute[NAME] may have: use the plain name")
}
