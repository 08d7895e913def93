package simulate

import (
	"math"
	"time"
)

// logNormal returns a number of a log-normal distribution with the median 1.
func (w *world) logNormal(sigma float64) float64 { return math.Exp(sigma * w.NormFloat64()) }

// weibull returns a number of a Weibull distribution.
func (w *world) weibull(shape, scale float64) float64 {
	return scale * math.Pow(w.ExpFloat64(), 1/shape)
}

// inverseGaussian returns a number of an inverse Gaussian distribution, by the method of Michael,
// Schucany and Haas (1976).
func (w *world) inverseGaussian(mean, shape float64) float64 {
	y := w.NormFloat64()
	y *= y
	x := mean + mean*mean*y/(2*shape) - mean/(2*shape)*math.Sqrt(4*mean*shape*y+mean*mean*y*y)
	if w.Float64() <= mean/(mean+x) {
		return x
	}
	return mean * mean / x
}

// poisson returns how often something happens that happens mean times on average.
func (w *world) poisson(mean float64) (n int) {
	for t := w.ExpFloat64(); t < mean; t += w.ExpFloat64() {
		n++
	}
	return n
}

// hour returns a random time of the day, by the weights of the hours.
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

// zipf returns a random rank from 0 to n-1. Rank k is about 1/(k+1) times as likely as rank 0.
func (w *world) zipf(n int) int {
	return int(math.Pow(float64(n), w.Float64())) - 1
}
