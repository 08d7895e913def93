package refusals

import "time"

// Key is what is counted together within a minute: refusals, or log lines, that
// differ only in what the next one says again. Message and Code come from fixed
// sets; Tenant, Address and Detail may be of the caller's choice.
type Key struct {
	Message string // of the log line, such as "refused"
	Code    string // of the refusal, "" where there is none
	Tenant  string // client_id, "" where the request named none that exists
	Address string // as it may be shown
	Detail  string // what else must not be merged, such as the cause of a fault
}

// several stands for the addresses that share a key because the table was full.
const several = "several addresses"

// most is how many keys are counted apart at one time. It bounds the lines and
// the rows of a minute: see [tally.has].
const most = 1024

// tally counts by key and minute, and keeps one value for each. Its size is
// bounded by most, and by the number of messages and codes. It does not lock.
type tally[V any] struct {
	entries map[moment]*entry[V]
	of      map[Key]int // keys of one message and code
}

type moment struct {
	minute int64 // since 1970
	key    Key
}

type entry[V any] struct {
	key   Key
	value V
	count int64
}

func newTally[V any]() tally[V] {
	return tally[V]{entries: make(map[moment]*entry[V]), of: make(map[Key]int)}
}

// count adds n to a key's count in the minute of at. It returns the entry, and
// reports whether it is new. A key for which there is no place is counted
// in one that all such keys of its message and code share.
func (t *tally[V]) count(k Key, at time.Time, n int64) (e *entry[V], first bool) {
	m := moment{minuteOf(at), k}
	e, ok := t.entries[m]
	if !ok && !t.has(k) {
		m.key = Key{Message: k.Message, Code: k.Code, Address: several}
		e, ok = t.entries[m]
	}
	if !ok {
		e = &entry[V]{key: m.key}
		t.entries[m] = e
		t.of[kindOf(k)]++
	}
	e.count += n
	return e, !ok
}

// has reports whether there is a place for another key. One message and code
// may hold as many places as it leaves free, so that a flood of one takes half
// of them at most, and the others still find some.
func (t *tally[V]) has(k Key) bool {
	return t.of[kindOf(k)] < most-len(t.entries)
}

// end removes the entries of all minutes but that of now, and returns them.
func (t *tally[V]) end(now time.Time) (ended []*entry[V]) {
	for m, e := range t.entries {
		if m.minute != minuteOf(now) {
			ended = append(ended, e)
			delete(t.entries, m)
			if t.of[kindOf(m.key)]--; t.of[kindOf(m.key)] == 0 {
				delete(t.of, kindOf(m.key))
			}
		}
	}
	return ended
}

func kindOf(k Key) Key { return Key{Message: k.Message, Code: k.Code} }

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
