package audit

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// FieldChange is a field of a state that a change has changed.
type FieldChange struct {
	Name          string // "": the whole state
	Before, After string // JSON, strings without quotes; "": there was none
}

// Difference returns what distinguishes two states, as the audit log has them, in the order of the
// fields' names.
func Difference(before, after json.RawMessage) (changes []FieldChange) {
	var old, new map[string]json.RawMessage
	if json.Unmarshal(orNull(before), &old) != nil || json.Unmarshal(orNull(after), &new) != nil {
		if bytes.Equal(before, after) {
			return nil
		}
		return []FieldChange{{"", readableJSON(before), readableJSON(after)}}
	}
	all := maps.Clone(old)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, new)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !bytes.Equal(old[name], new[name]) {
			changes = append(changes, FieldChange{name, readableJSON(old[name]), readableJSON(new[name])})
		}
	}
	return changes
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// readableJSON returns a value for people: a string without its quotes, and others without the
// escapes that [json.Marshal] uses for HTML.
func readableJSON(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return unescape.Replace(string(raw))
}

// unescape leaves a sequence of which the backslash is itself escaped.
var unescape = strings.NewReplacer(`\\`, `\\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&")
