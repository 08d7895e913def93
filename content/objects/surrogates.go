package objects

import (
	"bytes"
	"strconv"
)

// HalfCharacter returns where valid JSON has half of a character, such as \ud800 alone, or -1.
// encoding/json would replace it.
func HalfCharacter(b []byte) int {
	for i := bytes.IndexByte(b, '\\'); i >= 0 && i < len(b); i++ {
		switch {
		case b[i] != '\\':
			continue
		case isHigh(unitAt(b, i)) && isLow(unitAt(b, i+6)):
			i += 11
		case isHigh(unitAt(b, i)), isLow(unitAt(b, i)):
			return i
		default:
			i++ // a pair such as \\ is one escape
		}
	}
	return -1
}

// unitAt returns the UTF-16 code unit of the escape at b[i], or 0.
func unitAt(b []byte, i int) uint64 {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0
	}
	n, _ := strconv.ParseUint(string(b[i+2:i+6]), 16, 16)
	return n
}

func isHigh(unit uint64) bool { return unit >= 0xd800 && unit < 0xdc00 }
func isLow(unit uint64) bool  { return unit >= 0xdc00 && unit < 0xe000 }
