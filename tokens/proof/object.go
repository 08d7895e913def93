package proof

import (
	"encoding/json"

	strict "stile.example/stile/tokens/object"
)

// members is a JSON object whose names are compared exactly. (encoding/json
// would take JTI for jti.)
type members map[string]json.RawMessage

// object reads one JSON object and nothing after it, no name twice.
func object(data []byte) (members, error) {
	m, err := strict.Read(data)
	return m, err
}

// text is the string of that name; "" where there is none, or something else.
func (m members) text(name string) string {
	s, _ := strict.Text(m[name])
	return s
}
