package frame

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"stile.example/stile/recent"
)

// TestOutcomesAreSmall checks that the paths of forms that were sent, which a caller chooses, don't
// fill the memory.
func TestOutcomesAreSmall(t *testing.T) {
	o := outcomes{all: recent.New[sentForm, *outcome](maxSent)}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for n := range 2000 {
		path := fmt.Sprintf("/%d/%s", n, strings.Repeat("x", 16<<10))
		one := o.find(&Request{Request: httptest.NewRequest("POST", path, nil)}, Values{Values: url.Values{sentField: {"1"}}})
		one.mu.Unlock()
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("2,000 forms with paths of 16 KB take %d MB, want at most 4", grown>>20)
	}
	runtime.KeepAlive(&o)
}
