package content

import "fmt"

// sourcePos is the position of a record. Line 0 is unknown. The item is the number of the record in
// a list, where a line may have several, and 0 in other sources.
type sourcePos struct {
	file string
	line int
	item int
}

func (p sourcePos) String() string {
	where := LineError{File: p.file, Line: p.line}.Where()
	if p.line > 0 && p.item > 0 {
		return fmt.Sprintf("item %d on %s", p.item, where)
	}
	return where
}

// wrap names the item that an error is about, if its line does not.
func (p sourcePos) wrap(err error) error {
	if p.item == 0 || err == nil {
		return err
	}
	return fmt.Errorf("item %d: %w", p.item, err)
}
