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
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // it is easier to read, and keeps an item shorter than maxLine
	for it, err := range items {
		if err != nil {
			return err
		}
		h, t := split(it)
		if err := enc.Encode(whole{h, it.Body, t}); err != nil {
			return fmt.Errorf("export item %s: %w", it.ID, err)
		}
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("export items: %w", err)
	}
	return nil
}
