package proof

import (
	"encoding/json"

	strict "stile.example/stile/tokens/object"
)

// members is a JSON object whose names are compared exactly. (encoding/json would accept JTI for
// jti.)
type members map[string]json.RawMessage

// object parses one JSON object without duplicate names, with nothing after it.
func object(data []byte) (members, error) {
	m, err := strict.Read(data)
	return m, err
}

// text returns the string of that name, "" if it is missing or something else.
func (m members) text(name string) string {
	s, _ := strict.Text(m[name])
	return s
}
