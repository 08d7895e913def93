package content

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// Export writes items as JSONL. Importing that results in the same items.
func Export(w io.Writer, items iter.Seq2[Item, error]) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	out := NewWriter(buf)
	for it, err := range items {
		if err != nil {
			return err
		}
		if err := out.Write(it); err != nil {
			return err
		}
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("export items: %w", err)
	}
	return nil
}

// Writer writes items as JSONL.
type Writer struct{ enc *json.Encoder }

// NewWriter returns a Writer that writes each item in one call of w.Write.
func NewWriter(w io.Writer) Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // it is easier to read, and keeps an item shorter than maxLine
	return Writer{enc}
}

// Write writes an item. The line begins with {"id":
func (w Writer) Write(it Item) error {
	h, t := split(it)
	if err := w.enc.Encode(whole{h, it.Body, t}); err != nil {
		return fmt.Errorf("export item %s: %w", it.ID, err)
	}
	return nil
}
