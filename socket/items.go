package socket

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"stile.example/stile/content"
)

// Items are sent as lines of JSON, as content.Export writes them, followed by a line {"end":N}. A
// stream without that line was cut off, and nothing of it is imported. An item that was omitted is
// a line too, an [omission]. If the command can't read all items, it says so in the last line, and
// then waits for the reply as usual: when it ends, the server has ended the import too.
const (
	endOfItems  = `{"end":`
	unread      = `{"unread":true}`
	leftOut     = `{"left_out":`
	skipped     = `{"skipped":`
	longestLine = 16 << 20 // in bytes: an item of 1 MiB of which every byte is escaped
)

// omission is a line with one of the errors after which an import continues.
type omission struct {
	LeftOut *content.LeftOut   `json:"left_out,omitempty"`
	Skipped *content.LineError `json:"skipped,omitempty"`
}

// sendItems writes items and the last line. If items yields an error, failed gets it before the
// last line is written.
func sendItems(w io.Writer, items iter.Seq2[content.Item, error], failed chan<- error) error {
	buf := bufio.NewWriterSize(w, 64<<10)
	out, n := content.NewWriter(buf), 0
	for it, err := range items {
		n++
		o, omitted := omissionOf(err)
		switch {
		case err == nil:
			err = out.Write(it)
		case omitted:
			err = json.NewEncoder(buf).Encode(o)
		default:
			failed <- err
			fmt.Fprintln(buf, unread)
			return buf.Flush()
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(buf, "%s%d}\n", endOfItems, n) // Flush returns its error
	return buf.Flush()
}

// omissionOf returns why an item was omitted, and reports whether an error says that.
func omissionOf(err error) (o omission, omitted bool) {
	switch e := err.(type) { // not errors.As, which would find the first of content.LineErrors
	case content.LeftOut:
		o.LeftOut = &e
	case content.LineError:
		o.Skipped = &e
	default:
		return o, false
	}
	return o, true
}

// pipeItems returns a reader from which items are sent, and a channel that gets the error of items,
// if any. stop ends the reader, and returns when the items are no longer being read.
func pipeItems(items iter.Seq2[content.Item, error]) (r io.Reader, failed <-chan error, stop func()) {
	in, out := io.Pipe()
	failure, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		out.CloseWithError(sendItems(out, items, failure))
	}()
	return in, failure, func() {
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
			if string(in.Bytes()) == unread {
				yield(content.Item{}, errors.New("the command can't read all items"))
				return
			}
			it, omitted, err := receiveItem(in.Bytes())
			if err == nil {
				if !yield(it, omitted) {
					return
				}
				continue
			}
			yield(it, err)
			return
		}
		err := in.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		yield(content.Item{}, fmt.Errorf("the items broke off after %d: %w", n, err))
	}
}

// receiveItem reads a line: an item, or why one was omitted.
func receiveItem(line []byte) (it content.Item, omitted, err error) {
	if !bytes.HasPrefix(line, []byte(leftOut)) && !bytes.HasPrefix(line, []byte(skipped)) {
		if it, err = content.DecodeItem(line); err == nil {
			err = content.Check(&it)
		}
		return it, nil, err
	}
	var o omission
	switch err = json.Unmarshal(line, &o); {
	case err != nil:
	case o.LeftOut != nil:
		omitted = *o.LeftOut
	case o.Skipped != nil:
		omitted = *o.Skipped
	default:
		err = errors.New("an omitted item has no reason")
	}
	return it, omitted, err
}
