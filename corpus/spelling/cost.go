package spelling

import "strings"

// What edits cost, in tenths of an ordinary one. People exchange letters, double them wrongly and
// confuse vowels more often than they hit another key.
const (
	swapped      = 6
	doubled      = 5 // a letter that should be double, or should not
	vowelForOne  = 7 // another vowel
	soundsAlike  = 8
	vowelMissing = 7
	missing      = 9
	vowelTooMany = 10
	tooMany      = 11 // people leave letters out more often than they add some
	replaced     = 12
	firstLetter  = 8 // in addition: the first letter is rarely wrong
)

const vowels = "aeiouyаеёиоуыэюяαεηιουω"

// alike lists letters that sound alike.
var alike = []string{"cks", "cqk", "sz", "mn", "dt", "bp", "gj", "fv", "vw", "iy", "ij", "xs"}

func isVowel(r rune) bool { return strings.ContainsRune(vowels, r) }

// costOf returns the least cost of the edits that lead from a typed word to the one that is meant.
func costOf(typed, meant []rune) int {
	rows := make([][]int, len(typed)+1)
	for i := range rows {
		rows[i] = make([]int, len(meant)+1)
		for j := range rows[i] {
			rows[i][j] = cheapest(rows, typed, meant, i, j)
		}
	}
	return rows[len(typed)][len(meant)]
}

// cheapest returns the least cost for the first i and j letters, from those for fewer.
func cheapest(rows [][]int, typed, meant []rune, i, j int) int {
	if i == 0 && j == 0 {
		return 0
	}
	least := 1 << 20
	if i > 0 {
		least = rows[i-1][j] + oneMore(typed, i-1, vowelTooMany, tooMany) + atFirst(min(i-1, j))
	}
	if j > 0 {
		least = min(least, rows[i][j-1]+oneMore(meant, j-1, vowelMissing, missing)+atFirst(min(i, j-1)))
	}
	if i > 0 && j > 0 {
		step := 0
		if typed[i-1] != meant[j-1] {
			step = other(typed[i-1], meant[j-1]) + atFirst(min(i, j)-1)
		}
		least = min(least, rows[i-1][j-1]+step)
	}
	if i > 1 && j > 1 && typed[i-1] == meant[j-2] && typed[i-2] == meant[j-1] {
		least = min(least, rows[i-2][j-2]+swapped+atFirst(min(i, j)-2))
	}
	return least
}

// oneMore returns what it costs that a word has letter i and the other word has not.
func oneMore(word []rune, i, vowel, other int) int {
	switch {
	case i > 0 && word[i-1] == word[i] || i+1 < len(word) && word[i+1] == word[i]:
		return doubled
	case isVowel(word[i]):
		return vowel
	}
	return other
}

func other(a, b rune) int {
	if isVowel(a) && isVowel(b) {
		return vowelForOne
	}
	for _, group := range alike {
		if strings.ContainsRune(group, a) && strings.ContainsRune(group, b) {
			return soundsAlike
		}
	}
	return replaced
}

func atFirst(i int) int {
	if i == 0 {
		return firstLetter
	}
	return 0
}
