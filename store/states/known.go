package states

import "time"

// entry is a value as this node knows it. It may be outdated.
type entry struct {
	raw     []byte // as the engine stores it; never changed
	expires int64  // when the engine may drop it, Unix seconds
	live    bool   // counts in Live
}

// knownValues caches the values that this node used recently. It has two halves, as recent.Map, and
// counts the live ones.
type knownValues[K comparable] struct {
	newer, older         map[K]entry
	newerLive, olderLive int
	half                 int           // maximum of newer
	idle                 time.Duration // an entry is dropped after one to two of these without use
	turned               time.Time
}

func (k *knownValues[K]) put(key K, e entry, now time.Time) {
	k.drop(key)
	if k.newer == nil || len(k.newer) >= k.half || now.Sub(k.turned) >= k.idle {
		k.older, k.olderLive, k.turned = k.newer, k.newerLive, now
		k.newer, k.newerLive = map[K]entry{}, 0
	}
	k.newer[key] = e
	k.newerLive += count(e)
}

func (k *knownValues[K]) drop(key K) {
	if e, ok := k.newer[key]; ok {
		k.newerLive -= count(e)
		delete(k.newer, key)
	}
	if e, ok := k.older[key]; ok {
		k.olderLive -= count(e)
		delete(k.older, key)
	}
}

// use keeps an entry as long as if it had been put just now.
func (k *knownValues[K]) use(key K, now time.Time) (entry, bool) {
	e, ok := k.newer[key]
	if !ok {
		if e, ok = k.older[key]; ok {
			k.put(key, e, now)
		}
	}
	return e, ok
}

func (k *knownValues[K]) live() int { return k.newerLive + k.olderLive }

func count(e entry) int {
	if e.live {
		return 1
	}
	return 0
}
