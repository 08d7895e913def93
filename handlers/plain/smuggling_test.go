package plain

import (
	"net/http"
	"reflect"
	"testing"

	"stile.example/stile/stiletest/smuggling"
)

// TestSmuggling sends each request that programs read differently, alone and after a plain one.
// This server and net/http must read the same requests and bodies, and write the same statuses.
func TestSmuggling(t *testing.T) {
	var got []read
	ours, netHTTP := both(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, asRead(r)) }))
	for _, text := range smuggling.Requests("a") {
		for _, before := range []string{"", get("first"), form("first")} {
			sent := []byte(before + text)
			got = nil
			here, _ := responsesIn(t, ours.exchange(sent))
			mine := got
			got = nil
			there, _ := responsesIn(t, netHTTP.exchange(sent))
			if before != "" && len(mine) == 0 {
				t.Errorf("%q: not even the first request was read", sent)
			}
			if !reflect.DeepEqual(mine, got) {
				t.Errorf("%q:\n    here %+v\nnet/http %+v", sent, mine, got)
			}
			if !reflect.DeepEqual(statuses(here), statuses(there)) {
				t.Errorf("%q: %v, net/http %v", sent, statuses(here), statuses(there))
			}
		}
	}
}

func statuses(all []*http.Response) (found []int) {
	for _, r := range all {
		found = append(found, r.StatusCode)
	}
	return found
}
