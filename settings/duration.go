package settings

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// MaxDays is how many days a duration can have.
const MaxDays = 65_535

// ErrTooLong is the error for a text that is a duration, but a longer one than can be stored.
var ErrTooLong = fmt.Errorf("it is longer than %dd", MaxDays)

// goDuration is the form of Go's durations.
var goDuration = regexp.MustCompile(`^([0-9]+(h|m|s))+$`)

// ParseDuration parses Go's durations, and whole days of 24 hours in front of them: 90s, 10m, 24h,
// 7d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%s is not a duration", quote(text))
	tooLong := fmt.Errorf("%s: %w", quote(text), ErrTooLong)
	days, rest, has := strings.Cut(text, "d")
	if !has {
		d, err := time.ParseDuration(text)
		switch {
		case err != nil && goDuration.MatchString(text):
			return 0, tooLong
		case err != nil:
			return 0, bad
		}
		return d, nil
	}
	n, err := strconv.ParseUint(days, 10, 16) // 65,535 days are far fewer than a Duration can hold
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, tooLong
	case err != nil:
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
