package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration parses Go's durations, and whole days of 24 hours in front of them: 90s, 10m, 24h,
// 7d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%s is not a duration", quote(text))
	days, rest, has := strings.Cut(text, "d")
	if !has {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65,535 days are far fewer than a Duration can hold
	if err != nil {
		return 0, bad
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > 24*time.Hour {
		return 0, bad
	}
	return d + more, nil
}

// Short formats a duration without zero minutes and seconds: 24h, not 24h0m0s.
func Short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
