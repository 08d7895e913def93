package valkey

import (
	"strconv"
	"testing"
	"time"
)

// TestJudge: servers with which stile must not start.
func TestJudge(t *testing.T) {
	for _, x := range []struct {
		name, value string
		fatal       bool
	}{
		{"redis_version", "6.2.14", true}, {"redis_version", "7.0.0", false}, {"redis_version", "7.2.4", false}, {"redis_version", "10.0", false},
		{"redis_version", "", false}, {"aof_last_write_status", "err", true}, {"aof_last_write_status", "ok", false},
		{"aof_enabled", "0", true}, {"maxmemory_policy", "allkeys-lru", true}, {"role", "slave", true}, {"cluster_enabled", "1", true},
	} {
		info := map[string]string{"redis_version": "7.2.4", "maxmemory_policy": "noeviction", "aof_enabled": "1"}
		info[x.name] = x.value
		found := (&Engine{}).judge(server{address: "x", asked: time.Now(), info: info})
		if err := Fatal(found); (err != nil) != x.fatal {
			t.Errorf("%s %q: %v", x.name, x.value, err)
		}
	}
}

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
