package simulate

import (
	"math"
	"time"
)

// logNormal has the median 1; sigma says how far it spreads.
func (w *world) logNormal(sigma float64) float64 { return math.Exp(sigma * w.NormFloat64()) }

func (w *world) weibull(shape, scale float64) float64 {
	return scale * math.Pow(w.ExpFloat64(), 1/shape)
}

// inverseGaussian is drawn as Michael, Schucany and Haas do (1976).
func (w *world) inverseGaussian(mean, shape float64) float64 {
	y := w.NormFloat64()
	y *= y
	x := mean + mean*mean*y/(2*shape) - mean/(2*shape)*math.Sqrt(4*mean*shape*y+mean*mean*y*y)
	if w.Float64() <= mean/(mean+x) {
		return x
	}
	return mean * mean / x
}

// poisson counts how often something happens that happens mean times.
func (w *world) poisson(mean float64) (n int) {
	for t := w.ExpFloat64(); t < mean; t += w.ExpFloat64() {
		n++
	}
	return n
}

// hour draws a time of the day, by the weights of its hours.
func (w *world) hour(weights *[24]float64) time.Duration {
	sum := 0.0
	for _, x := range weights {
		sum += x
	}
	at := w.Float64() * sum
	for h, x := range weights {
		if at < x {
			return seconds(3600 * (float64(h) + at/x))
		}
		at -= x
	}
	return 0
}

// zipf draws a rank below n, the first being the likeliest: rank k is drawn
// about 1/k as often as the first.
func (w *world) zipf(n int) int {
	return int(math.Pow(float64(n), w.Float64())) - 1
}
