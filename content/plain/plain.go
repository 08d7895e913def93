// Package plain decides what in a plain text is meant as HTML, and what is text that looks like it.
package plain

import (
	"regexp"
	"strings"
)

// aTag matches what a browser would parse as a tag, or the beginning of one whose attributes have >
// in quotes.
var aTag = regexp.MustCompile(`<[A-Za-z/!?][^>]*>`)

// Strip returns the plain text of a text that may contain HTML. It removes what is used as a
// tag: with attributes, opened and closed, without content (<br>), or a comment. A single name in
// brackets, as in List<String> or "the <dialog> element", is text; it can't run anything on a page
// that takes the text for HTML. Entities are unchanged, so a second run changes nothing.
func Strip(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	s = replaceTags(s, func(string) string { return "" })
	if replaceTags(s, func(string) string { return "" }) != s { // tags made of tags: on purpose
		s = strings.ReplaceAll(s, "<", "")
	}
	return s
}

// Keep returns text of which [Strip] removes nothing: after the bracket of each tag that it would
// remove, a word joiner follows, which nobody sees and no search counts. It is for short texts.
func Keep(s string) string {
	for { // a tag may be in another one
		kept := replaceTags(s, func(tag string) string { return "<\u2060" + tag[1:] })
		if kept == s {
			return s
		}
		s = kept
	}
}

// replaceTags replaces what is used as a tag in a text.
func replaceTags(s string, with func(tag string) string) string {
	opened, closed := map[string]bool{}, map[string]bool{}
	for _, tag := range aTag.FindAllString(s, -1) {
		if strings.HasPrefix(tag, "</") {
			closed[tagName(tag)] = true
		} else {
			opened[tagName(tag)] = true
		}
	}
	return aTag.ReplaceAllStringFunc(s, func(tag string) string {
		name := tagName(tag)
		if opened[name] && closed[name] || unpaired[name] || strings.ContainsAny(tag, "=!?") {
			return with(tag)
		}
		return tag
	})
}

// tagName returns the name of the element of a tag, in lower case.
func tagName(tag string) string {
	name := strings.ToLower(strings.Trim(tag, "</>"))
	if i := strings.IndexAny(name, " \t\r\n\f/"); i >= 0 {
		name = name[:i]
	}
	return name
}

// unpaired lists the elements of HTML that need no closing tag and are common in texts.
var unpaired = map[string]bool{"br": true, "hr": true, "img": true, "input": true, "li": true, "link": true, "p": true, "td": true, "tr": true, "wbr": true}
