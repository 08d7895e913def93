package valkey

import (
	"strconv"
	"testing"
	"time"
)

// TestClockAhead: a server whose clock is ahead would forget used proofs too soon.
func TestClockAhead(t *testing.T) {
	asked := time.Now()
	for ahead, want := range map[time.Duration]bool{-time.Hour: false, 0: false, 29 * time.Second: false, 31 * time.Second: true, 26 * time.Hour: true} {
		info := map[string]string{"server_time_usec": strconv.FormatInt(asked.Add(ahead).UnixMicro(), 10), "redis_version": "7.2.4",
			"maxmemory_policy": "noeviction", "aof_enabled": "1"}
		found := (&Engine{}).judge(server{address: "x", asked: asked, info: info})
		if err := Fatal(found); (err != nil) != want {
			t.Errorf("%s ahead: %v", ahead, err)
		}
	}
}
