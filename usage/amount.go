package usage

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Amount is money in millionths of the publisher's currency unit, so that a thousandth of a cent is
// exact. As text and in JSON it is a decimal without trailing zeros: 0.0015.
type Amount int64

const (
	unit     = 1_000_000
	decimals = 6
)

// ParseAmount parses a decimal such as 12 or 0.0015.
func ParseAmount(text string) (Amount, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	if whole == "" || len(fraction) > decimals || dotted && fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, fmt.Errorf("amount %.40q: must be a decimal such as 0.0015, with at most %d decimals and no sign", text, decimals)
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("amount %.40q: too large", text)
	}
	return Amount(n), nil
}

func (a Amount) String() string {
	sign, n := "", uint64(a)
	if a < 0 {
		sign, n = "-", -n
	}
	fraction := strings.TrimRight(fmt.Sprintf("%06d", n%unit), "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + strconv.FormatUint(n/unit, 10) + fraction
}

// MarshalJSON returns a number with its exact decimals.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalJSON reads a number that is written without an exponent, with at most six decimals.
func (a *Amount) UnmarshalJSON(text []byte) (err error) {
	*a, err = ParseAmount(string(text))
	return err
}

// Add returns the sum of two amounts that are not negative, and reports whether it is in range.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	sum = a + b
	return sum, a >= 0 && b >= 0 && sum >= 0
}

// times returns the amount for n calls at a price, neither of them negative, and reports whether it
// is in range.
func (a Amount) times(n int64) (Amount, bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(n))
	return Amount(lo), a >= 0 && n >= 0 && hi == 0 && lo < 1<<63
}
