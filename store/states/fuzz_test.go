package states

import (
	"bytes"
	"testing"
)

// FuzzValue checks that a stored value that is read is written in the same way.
func FuzzValue(f *testing.F) {
	f.Add(value{epoch: 5, version: 9, writers: []writer{{1, 2}, {3, 4}}, state: []byte("state")}.encode())
	f.Add(value{}.encode())
	f.Add([]byte{formatByte})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseValue(b)
		if err == nil && !bytes.Equal(v.encode(), b) {
			t.Errorf("%x is written as %x", b, v.encode())
		}
		if q, err := decodeQuota(b); err == nil && !bytes.Equal(q.append(nil), b) {
			t.Errorf("quota %x is written as %x", b, q.append(nil))
		}
	})
}
