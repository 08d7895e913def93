package challenge

import (
	"crypto/subtle"
	"fmt"
	"strconv"
)

// IsCorrect reports whether answer solves the challenge id. An answer has one spelling: the
// picture's digits, or the counter in decimal without a sign, space or leading zero. (The library's
// own check drops spaces and reads a space as a zero.) It does not check the challenge's token, or
// whether the challenge is still open.
func (m *Maker) IsCorrect(id, answer string) bool {
	s, ok := m.open(id)
	return ok && subtle.ConstantTimeCompare([]byte(s.text()), []byte(answer)) == 1
}

// text returns the answer as it must be sent.
func (s sealed) text() string {
	if s.kind == Picture {
		return fmt.Sprintf("%0*d", s.digits, s.answer)
	}
	return strconv.FormatUint(uint64(s.answer), 10)
}
