package refusals

import "time"

// Key says which refusals, or log lines, are counted together within a minute: those that would
// only repeat each other. Message and Code are from fixed sets. Tenant, Address and Detail may be
// chosen by the caller.
type Key struct {
	Message string // of the log line, such as "refused"
	Code    string // of the refusal, or ""
	Tenant  string // client_id, "" if the request named none that exists
	Address string // as it may be shown
	Detail  string // anything else that must not be merged, such as the cause of a fault
}

// several stands for the addresses that share a key when the tally is full.
const several = "several addresses"

// most is the maximum number of keys that are counted separately at one time. It bounds the lines
// and the rows of a minute: see [tally.has].
const most = 1024

// tally counts by key and minute, and stores one value for each. Its size is bounded by most, and
// by the number of messages and codes. It does not lock.
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

// count adds n to a key's count in the minute of at. It returns the entry, and reports whether it
// is new. A key for which there is no space is counted in an entry that all such keys with its
// message and code share.
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

// has reports whether there is space for another key. One message and code may have as many keys as
// it leaves free for others. So a flood of one code takes at most half of the space.
func (t *tally[V]) has(k Key) bool {
	return t.of[kindOf(k)] < most-len(t.entries)
}

// end removes the entries of all minutes except that of now, and returns them.
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
