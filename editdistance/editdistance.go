// Package editdistance compares names, to find the one that a misspelt name is meant to be.
package editdistance

// maxLength bounds the time that a name from outside can take. It is in characters.
const maxLength = 64

// Between returns the number of characters to insert, delete, replace or swap with the next one, to
// make b of a. A name of more than 64 characters is as far from all others as it is long.
func Between(a, b string) int {
	from, to := []rune(a), []rune(b)
	if longer := max(len(from), len(to)); longer > maxLength {
		return longer
	}
	var before []int // the row before last
	last := make([]int, len(to)+1)
	for j := range last {
		last[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			change := last[j]
			if from[i] != to[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && from[i] == to[j-1] && from[i-1] == to[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(to)]
}
