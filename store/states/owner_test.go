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
		if changed != c.changed || !errors.Is(err, c.err) || err == nil && next.Memory == "" {
			t.Errorf("%+v: %+v, %v, %v", c, next, changed, err)
		}
	}
}
