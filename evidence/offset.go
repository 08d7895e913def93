package evidence

import "time"

// Offset says roughly how far a clock is ahead of the server's, or behind if ahead is negative. So
// observations of one wrong clock have one key.
func Offset(ahead time.Duration) string {
	side := "ahead"
	if ahead < 0 {
		ahead, side = -ahead, "behind"
	}
	switch {
	case ahead < 5*time.Minute:
		return "under 5 minutes " + side
	case ahead < time.Hour:
		return "5 to 60 minutes " + side
	case ahead < 24*time.Hour:
		return "hours " + side
	}
	return "days " + side
}
