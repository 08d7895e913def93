// Package callback decides which functions a JSONP response may call: their names, and the patterns
// with which a tenant's setting callbacks allows names with dots.
package callback

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxName is the maximum length of a name, and of each part of a name with dots, in characters. A
// name with dots may have twice as many.
const maxName = 64

// IsValid reports whether a JSONP response may call a function of that name. A name with dots makes
// a page call a method of its own objects, so it is valid only if it matches one of patterns.
func IsValid(name string, patterns []string) bool {
	if strings.IndexByte(name, '.') < 0 {
		return isName(name)
	}
	return IsDotted(name) && slices.ContainsFunc(patterns, func(p string) bool { return matches(name, p) })
}

// IsDotted reports whether a name with dots is one that a pattern may allow.
func IsDotted(name string) bool {
	if len(name) > 2*maxName || strings.IndexByte(name, '.') < 0 {
		return false
	}
	for i, part := range strings.Split(name, ".") {
		if !isName(part) || isInherited(part, i) {
			return false
		}
	}
	return true
}

// matches reports whether a name with dots matches a pattern. In a pattern, * is one free name:
// __gwt_jsonp__.*.onSuccess. A pattern without * is a prefix: one free name follows it. Whatever
// [Check] refuses matches nothing.
func matches(name, pattern string) bool {
	before, after, free := strings.Cut(pattern, "*")
	if !free {
		rest, is := strings.CutPrefix(name, pattern)
		return is && pattern != "" && strings.LastIndexByte(rest, '.') == 0
	}
	if !strings.HasSuffix(before, ".") || after != "" && after[0] != '.' || len(name) <= len(before)+len(after) {
		return false
	}
	return strings.HasPrefix(name, before) && strings.HasSuffix(name, after) &&
		strings.IndexByte(name[len(before):len(name)-len(after)], '.') < 0
}

// Allowed describes what [Check] accepts.
const Allowed = "a prefix, such as angular.callbacks, or a pattern with one free name, such as __gwt_jsonp__.*.onSuccess"

// Check returns what is wrong with a pattern.
func Check(pattern string) error {
	if len(pattern) > maxName {
		return fmt.Errorf("is longer than %d characters", maxName)
	}
	free := 0
	for i, part := range strings.Split(pattern, ".") {
		switch {
		case part == "*" && i == 0:
			return errors.New("must not begin with *, which would allow methods of every object of a page")
		case part == "*":
			free++
		case strings.Contains(part, "*"):
			return errors.New("has a * that is only a part of a name: it must be a whole name between dots")
		case isName(part) && isInherited(part, i):
			return fmt.Errorf("has a part that every object or function of a page inherits: %s", part)
		case !isName(part):
			return fmt.Errorf("has a part that is not a name of letters, digits, _ and $: %.70q", part)
		}
	}
	if free > 1 {
		return errors.New("has more than one *")
	}
	return nil
}

// isName reports whether s is an identifier of at most 64 ASCII letters, digits, $ and _ that is
// not a reserved word.
func isName(s string) bool {
	if s == "" || len(s) > maxName || '0' <= s[0] && s[0] <= '9' {
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

// isInherited reports whether the part of a name at a position leads from an object to what all
// objects or functions share. The first part is a global variable, so it may have such a name,
// other than those that lead to a prototype.
func isInherited(part string, position int) bool {
	return toPrototype[part] || position > 0 && inherited[part]
}

var toPrototype = words("__proto__ constructor prototype")

// inherited contains the other names of Object.prototype and Function.prototype: ECMA-262 (2023)
// §20.1.3, §20.2.3 and §20.2.4, with those of annex B and of Function.prototype in engines. A
// pattern would allow them as methods of the page's own objects: angular.callbacks.toString.
var inherited = words(`
	__defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__
	hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString
	valueOf toSource watch unwatch apply bind call length name arguments caller`)

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
