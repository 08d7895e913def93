package contentpages

import (
	"io"
	"strings"
	"sync"
	"testing"

	"stile.example/stile/operations/failure"
)

// TestArriving checks that only so many files are stored at the same time, however slowly they
// arrive, and that another can follow one that has arrived, or failed.
func TestArriving(t *testing.T) {
	u := newUploads(t.TempDir())
	var senders []*io.PipeWriter
	var stored sync.WaitGroup
	for range maxUploads {
		from, to := io.Pipe()
		senders = append(senders, to)
		stored.Go(func() { _, _, _ = u.store(from) })
		if _, err := to.Write([]byte("{")); err != nil { // it is being stored
			t.Fatal(err)
		}
	}
	if _, _, err := u.store(strings.NewReader("{}")); failure.KindOf(err) != failure.Conflict {
		t.Errorf("one more: %v", err)
	}
	for i, to := range senders {
		if i == 0 {
			to.CloseWithError(io.ErrUnexpectedEOF)
		} else {
			to.Close()
		}
	}
	stored.Wait()
	if _, _, err := u.store(strings.NewReader("{}")); err != nil {
		t.Errorf("after the others: %v", err)
	}
}
