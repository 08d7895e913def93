package sqlite

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/quick"

	"stile.example/stile/tokens"
)

// TestEncodeState: every field of any state comes back, and takes the bytes
// that it has.
func TestEncodeState(t *testing.T) {
	same := func(s tokens.State) bool {
		b := appendState(nil, s)
		got, err := decodeState(b)
		return err == nil && got == s && len(b) == size1
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

// TestEveryFieldIsEncoded: a change of any one field changes the bytes. So a
// field that is added and not encoded falls here.
func TestEveryFieldIsEncoded(t *testing.T) {
	var s tokens.State
	zero := appendState(nil, s)
	each(reflect.ValueOf(&s).Elem(), func(v reflect.Value) {
		v.Set(reflect.ValueOf(1).Convert(v.Type()))
		if bytes.Equal(appendState(nil, s), zero) {
			t.Errorf("a field of %s is not encoded", v.Type())
		}
		v.SetZero()
	})
}

// each calls fn with every number in v.
func each(v reflect.Value, fn func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			each(v.Field(i), fn)
		}
	case reflect.Array:
		for i := range v.Len() {
			each(v.Index(i), fn)
		}
	default:
		fn(v)
	}
}

// FuzzRecords: what is no row of a journal is an error, never a panic, and
// what is one reads back.
func FuzzRecords(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	row := appendRecord(nil, tokens.ID{1}, tokens.State{Tenant: rnd.Uint32()})
	f.Add(appendRecord(row, tokens.ID{2}, tokens.State{Dead: tokens.Revoked}))
	f.Add(row[:20])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		states := map[tokens.ID]tokens.State{}
		if records(states, b) != nil {
			return
		}
		var again []byte
		for id, s := range states {
			again = appendRecord(again, id, s)
		}
		if len(again) > len(b) {
			t.Errorf("%d bytes made %d", len(b), len(again))
		}
	})
}
