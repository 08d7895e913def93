package socket

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content"
)

// Items are sent as lines of JSON, as content.Export writes them, followed by a line {"end":N}. A
// stream without that line was cut off, and nothing of it is imported.
const (
	endOfItems  = `{"end":`
	longestLine = 16 << 20 // in bytes: an item of 1 MiB of which every byte is escaped
)

// sendItems writes items and the last line.
func sendItems(w io.Writer, items iter.Seq2[content.Item, error]) error {
	n := 0
	counted := func(yield func(content.Item, error) bool) {
		for it, err := range items {
			if n++; !yield(it, err) {
				return
			}
		}
	}
	if err := content.Export(w, counted); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s%d}\n", endOfItems, n)
	return err
}

// pipeItems returns a reader from which items are sent. stop ends it, and returns when the items
// are no longer being read.
func pipeItems(items iter.Seq2[content.Item, error]) (r io.Reader, stop func()) {
	in, out := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := sendItems(out, items)
		// Wrapped, because net/http compares the error, and content.LineErrors can't be compared.
		if err != nil {
			err = fmt.Errorf("read the items: %w", err)
		}
		out.CloseWithError(err)
	}()
	return in, func() {
		in.CloseWithError(io.ErrClosedPipe)
		<-ended
	}
}

// receiveItems reads items that sendItems wrote.
func receiveItems(r io.Reader) iter.Seq2[content.Item, error] {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), longestLine)
	return func(yield func(content.Item, error) bool) {
		n := 0
		for ; in.Scan(); n++ {
			if end, is := bytes.CutPrefix(in.Bytes(), []byte(endOfItems)); is {
				if string(end) != fmt.Sprintf("%d}", n) {
					yield(content.Item{}, errors.New("some items were lost in transmission"))
				}
				return
			}
			it, err := content.DecodeItem(in.Bytes())
			if err == nil {
				err = content.Check(&it)
			}
			if !yield(it, err) || err != nil {
				return
			}
		}
		err := in.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		yield(content.Item{}, fmt.Errorf("the items broke off after %d: %w", n, err))
	}
}
