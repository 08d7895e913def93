// Package paging cuts the results of operations into pages.
package paging

import "stile.example/stile/operations/failure"

// Max is the maximum of lines of a page.
const Max = 1000

// Limit returns the number of lines of a page: what was asked for, or the usual number for 0.
func Limit(asked, usual int) (int, error) {
	if asked == 0 {
		return usual, nil
	}
	return asked, Check(asked, Max)
}

// Check returns an error unless a limit is from 1 to a maximum.
func Check(limit, most int) error {
	if limit < 1 || limit > most {
		return failure.New(failure.Invalid, "limit %d: must be from 1 to %d", limit, most)
	}
	return nil
}

// Cut returns the first lines of a list up to a limit, and the last of them if there are more: the
// next page continues after it. Callers read one line more than the limit.
func Cut[T any](list []T, limit int) (page []T, last *T) {
	if len(list) <= limit {
		return list, nil
	}
	return list[:limit], &list[limit-1]
}
