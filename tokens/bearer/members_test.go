package bearer

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
)

// FuzzObject compares object with the tokens that encoding/json reads.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		"", " ", "{}", " { } ", "[]", "null", `{"a":1}`, `{"a":{"b":[1,"}"]},"c":"\"\\"}`, "{\"a\"\t:\n1 , \"b\" : [ ] }",
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":null,"a":1}`, `{"":1}`, `{"":1,"":2}`, `{"a":1}}`, `{"a":1,}`, `{"a"}`, `{"a":1} x`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := object(data)
		want, ok := slowObject(data)
		if ok != (err == nil) || ok && !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %s, %v; want %s, %v", data, got, err, want, ok)
		}
	})
}

func slowObject(data []byte) (members, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !bytes.Equal(data, bytes.ToValidUTF8(data, nil)) {
		return nil, false
	}
	m := members{}
	for d.More() {
		name, err := d.Token()
		s, isText := name.(string)
		var value json.RawMessage
		if err != nil || !isText || d.Decode(&value) != nil {
			return nil, false
		}
		if _, twice := m[s]; twice {
			return nil, false
		}
		m[s] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return m, err == io.EOF
}
