package challenge

import (
	"crypto/subtle"
	"fmt"
	"strconv"
)

// IsCorrect says whether answer solves the challenge id. There is one spelling of
// it: the picture's digits, or the counter in decimal with no sign, space or
// leading zero. (The library's own check drops spaces and reads a space for a
// zero; ours reads nothing but digits.) Whose challenge it is, and whether it
// is still open, is not asked here.
func (m *Maker) IsCorrect(id, answer string) bool {
	s, ok := m.open(id)
	return ok && subtle.ConstantTimeCompare([]byte(s.text()), []byte(answer)) == 1
}

// text is the answer as it must be sent.
func (s sealed) text() string {
	if s.kind == Picture {
		return fmt.Sprintf("%0*d", s.digits, s.answer)
	}
	return strconv.FormatUint(uint64(s.answer), 10)
}
