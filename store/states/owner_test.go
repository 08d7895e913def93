package states

import (
	"errors"
	"testing"
)

// TestChoose: an engine of another installation, and another one than that of live nodes, are
// refused. Otherwise an engine that was not the last one is a change.
func TestChoose(t *testing.T) {
	last, live := Owner{"mine", "1"}, []string{"node1"}
	for _, c := range []struct {
		last, found Owner
		live        []string
		changed     bool
		err         error
	}{
		{last, last, live, false, nil},
		{Owner{"mine", ""}, Owner{}, live, false, nil},
		{Owner{"mine", ""}, Owner{"mine", "2"}, live, false, nil},
		{last, Owner{"mine", "2"}, live, false, ErrOther},
		{last, Owner{}, live, false, ErrOther},
		{last, Owner{"mine", "2"}, nil, true, nil},
		{last, Owner{}, nil, true, nil},
		{last, Owner{"", "store"}, nil, true, nil},
		{last, Owner{"other", "1"}, nil, false, ErrForeign},
		{Owner{"mine", ""}, Owner{"other", "1"}, nil, false, ErrForeign},
	} {
		next, changed, err := Choose(c.last, c.found, c.live)
		if changed != c.changed || !errors.Is(err, c.err) {
			t.Errorf("%+v: %v, %v", c, changed, err)
		}
		if err == nil && (next.Installation != "mine" || next.Memory == "" || c.found.Memory != "" && next.Memory != c.found.Memory) {
			t.Errorf("%+v: the owner is %+v", c, next)
		}
	}
	one, _, _ := Choose(last, Owner{}, nil)
	if another, _, _ := Choose(last, Owner{}, nil); one.Memory == last.Memory || one.Memory == another.Memory {
		t.Errorf("an engine that is empty gets the memory %q, then %q", one.Memory, another.Memory)
	}
}

// TestCheckOfOwner: a node that runs may use only the memory that it knows. PostgreSQL names no
// installation, since its database belongs to one.
func TestCheckOfOwner(t *testing.T) {
	for _, c := range []struct {
		mine, found Owner
		err         error
	}{
		{Owner{"mine", "1"}, Owner{"mine", "1"}, nil},
		{Owner{"mine", "store"}, Owner{"", "store"}, nil},
		{Owner{"mine", "1"}, Owner{"mine", "2"}, ErrOther},
		{Owner{"mine", "1"}, Owner{"", "store"}, ErrOther},
		{Owner{"mine", "1"}, Owner{"other", "1"}, ErrForeign},
		{Owner{"mine", "1"}, Owner{"other", "2"}, ErrForeign},
		{Owner{"mine", "1"}, Owner{}, ErrOther},
	} {
		if err := c.mine.Check(c.found); !errors.Is(err, c.err) {
			t.Errorf("%+v, %+v: %v, want %v", c.mine, c.found, err, c.err)
		}
	}
}
