package content

import "fmt"

// sourcePos is the position of a record. Line 0 is unknown.
type sourcePos struct {
	file string
	line int
}

func (p sourcePos) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}
