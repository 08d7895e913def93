package transport

import "strings"

// maxCallback is the maximum length of the name of the function that a script calls: 64 characters,
// and twice that where dots are allowed.
const maxCallback = 64

// IsCallback reports whether a JSONP response may call a function of that name. A dotted name makes
// a page call a method of its own objects, so it is valid only if the part before its last dot is
// one of prefixes.
func IsCallback(name string, prefixes []string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return isName(name)
	}
	if len(name) > 2*maxCallback {
		return false
	}
	for _, prefix := range prefixes {
		if name[:dot] == prefix {
			return areNames(name)
		}
	}
	return false
}

func areNames(dotted string) bool {
	for part := range strings.SplitSeq(dotted, ".") {
		if !isName(part) {
			return false
		}
	}
	return true
}

// isName reports whether s is an identifier of at most 64 ASCII letters, digits, $ and _ that is
// not a reserved word.
func isName(s string) bool {
	if s == "" || len(s) > maxCallback || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !inName(s[i]) {
			return false
		}
	}
	return !reserved[s]
}

func inName(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '$'
}

// reserved contains the words that can't name a function in any script or module: ECMA-262 (2023)
// §12.7.2, with those of strict mode, and the literals.
var reserved = words(`
	await break case catch class const continue debugger default delete do else
	enum export extends false finally for function if import in instanceof new
	null return super switch this throw true try typeof var void while with
	yield let static implements interface package private protected public`)

func words(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}
