package usagesum

import (
	"errors"

	"stile.example/stile/tokens"
)

var errDamagedSums = errors.New("a row of the ledger is damaged; `stile fsck` says which")

// EachCount calls fn with each four numbers of a text: day, route, calls and records. Engines join
// the rows of a tenant into one text: one by one they would take twice as long.
func EachCount(text []byte, fn func([4]int64)) error {
	var numbers [4]int64
	n, isDigit, negative := 0, false, false
	for i := 0; len(text) > 0 && i <= len(text); i++ {
		switch {
		case i < len(text) && text[i] >= '0' && text[i] <= '9':
			numbers[n], isDigit = numbers[n]*10+int64(text[i]-'0'), true
		case i < len(text) && text[i] == '-' && !isDigit && !negative:
			negative = true
		case isDigit && (i == len(text) || text[i] == ' '):
			if negative {
				numbers[n] = -numbers[n]
			}
			if n, isDigit, negative = n+1, false, false; n == len(numbers) {
				if route := numbers[1]; route < 0 || route >= tokens.Routes {
					return errDamagedSums
				}
				fn(numbers)
				n, numbers = 0, [4]int64{}
			}
		default:
			return errDamagedSums
		}
	}
	if n != 0 {
		return errDamagedSums
	}
	return nil
}
