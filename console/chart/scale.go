package chart

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit is what values are measured in, and how they are written.
type Unit string

// The units.
const (
	Count   Unit = ""        // whole numbers
	Seconds Unit = "seconds" // written in s, ms or µs
	Share   Unit = "share"   // from 0 to 1, written in percent
	Amount  Unit = "amount"  // of money
)

// Text writes a value exactly enough to be read next to others.
func (u Unit) Text(v float64) string {
	switch {
	case !isFinite(v):
		return "–"
	case u == Seconds:
		return seconds(v)
	case u == Share:
		return trim(100*v, 2) + " %"
	case u == Amount:
		return thousands(trim(v, 4))
	}
	return thousands(trim(v, 2))
}

// short writes a value for an axis.
func (u Unit) short(v float64) string {
	if u == Seconds || u == Share {
		return u.Text(v)
	}
	for _, s := range []struct {
		from float64
		sign string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if v >= s.from {
			div := s.from
			if s.sign == "k" {
				div = 1e3
			}
			if v/div >= 1e5 {
				return strconv.FormatFloat(v, 'g', 3, 64)
			}
			return trim(v/div, 2) + s.sign
		}
	}
	return thousands(trim(v, 2))
}

func seconds(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a < 1e-3:
		return trim(v*1e6, 0) + " µs"
	case a < 1:
		return trim(v*1e3, 1) + " ms"
	}
	return thousands(trim(v, 2)) + " s"
}

// trim writes a number with at most so many decimals.
func trim(v float64, decimals int) string {
	if math.Abs(v) >= 1e15 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		return "0"
	}
	return strings.Replace(text, "-", "−", 1)
}

// thousands puts commas between the thousands of a number.
func thousands(text string) string {
	if strings.Contains(text, "e") {
		return text
	}
	sign, digits := "", text
	if rest, negative := strings.CutPrefix(text, "−"); negative {
		sign, digits = "−", rest
	}
	whole, fraction, dotted := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dotted {
		whole += "." + fraction
	}
	return sign + whole
}

// scale returns the value at the top of a chart, and values for the axis: round ones with equal
// distances, from 0 to the top.
func scale(highest float64, u Unit) (top float64, ticks []float64) {
	least := 1.0
	if u != Count {
		least = 1e-6
	}
	if u == Count && highest <= 4 {
		highest = max(highest, 1)
	}
	step := max(roundUp(highest/4), least)
	if highest == 0 {
		step = map[Unit]float64{Count: 1, Seconds: 0.001, Share: 0.25, Amount: 1}[u]
	}
	n := max(int(math.Ceil(highest/step-1e-9)), 1)
	for i := range n + 1 {
		ticks = append(ticks, float64(i)*step)
	}
	return float64(n) * step, ticks
}

// roundUp returns the next round number: 1, 2 or 5 times a power of 10.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 0
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// timeTick is a time on the axis.
type timeTick struct {
	at   float64 // from 0 to 1
	text string
}

// maxTicks is how many times fit below a chart on a phone.
const maxTicks = 6

// timeTicks returns round times in UTC within the period that the times cover.
func timeTicks(times []time.Time, step time.Duration) []timeTick {
	if len(times) == 0 {
		return nil
	}
	from, to := times[0].UTC(), times[len(times)-1].UTC()
	total := to.Sub(from) + step
	if total <= 0 {
		return nil
	}
	distance := tickDistance(total, step)
	var ticks []timeTick
	for i, t := range times {
		t = t.UTC()
		round := nextRound(t, distance)
		if round.Sub(t) >= max(step, 1) || !isRound(round, distance) {
			continue
		}
		at := 0.5 // in the middle of its interval if that begins with it
		if round != t {
			at = float64(round.Sub(t)) / float64(step)
		}
		ticks = append(ticks, timeTick{(float64(i) + at) / float64(len(times)), tickText(round, distance)})
	}
	if len(ticks) > 2*maxTicks {
		return ticks[:0:0]
	}
	return ticks
}

const day = 24 * time.Hour

// tickDistance returns the shortest round distance of which few enough fit into a period. Distances
// over a day are whole days; a month is 30 days here.
func tickDistance(total, step time.Duration) time.Duration {
	for _, d := range []time.Duration{
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 5 * day, 10 * day, 15 * day, 30 * day, 91 * day,
	} {
		if d >= step && total <= maxTicks*d {
			return d
		}
	}
	return 365 * day
}

// nextRound returns the first time from t on that may be round at a distance: a multiple of it
// within the day, or midnight.
func nextRound(t time.Time, distance time.Duration) time.Time {
	distance = min(distance, day)
	round := t.Truncate(distance)
	if round.Before(t) {
		round = round.Add(distance)
	}
	return round
}

// isRound reports whether a time is one for the axis at a distance.
func isRound(t time.Time, distance time.Duration) bool {
	midnight := t.Hour() == 0 && t.Minute() == 0
	switch {
	case distance < day:
		return t.Sub(t.Truncate(day))%distance < time.Minute
	case distance == day:
		return midnight
	case distance < 30*day:
		n := int(distance / day)
		return midnight && (t.Day()-1)%n == 0 && (n == 2 || t.Day() < 31)
	case distance == 30*day:
		return midnight && t.Day() == 1
	case distance == 91*day:
		return midnight && t.Day() == 1 && t.Month()%3 == 1
	}
	return midnight && t.YearDay() == 1
}

func tickText(t time.Time, distance time.Duration) string {
	switch {
	case distance < day && (t.Hour() != 0 || t.Minute() != 0):
		return t.Format("15:04")
	case distance < 30*day:
		return t.Format("2 Jan")
	case distance < 365*day:
		return t.Format("Jan 2006")
	}
	return t.Format("2006")
}
