package connections

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// watched is a connection that records its deadlines.
type watched struct {
	net.Conn
	set []string
}

func (w *watched) SetReadDeadline(t time.Time) error  { w.set = append(w.set, "r"+word(t)); return nil }
func (w *watched) SetWriteDeadline(t time.Time) error { w.set = append(w.set, "w"+word(t)); return nil }
func (w *watched) Close() error                       { return nil }

var epoch = time.Unix(1_000_000, 0)

func word(t time.Time) string {
	if t.Unix() == 1 {
		return "past"
	}
	return fmt.Sprint(t.Sub(epoch))
}

// TestDeadlinesMoveRarely calls a connection as net/http does. Within a second only the end of a
// pending read reaches the connection, and there is always a deadline: never later than requested,
// and at most a second earlier.
func TestDeadlinesMoveRarely(t *testing.T) {
	w := &watched{}
	left := 0
	c := &limitedConn{Conn: w, release: func() { left++ }}
	for n := range 3 {
		now := epoch.Add(time.Duration(n) * 600 * time.Millisecond)
		c.SetReadDeadline(now.Add(8 * time.Second))
		c.SetWriteDeadline(now.Add(9 * time.Second))
		c.SetReadDeadline(time.Unix(1, 0))
		c.SetReadDeadline(time.Time{})
		c.SetReadDeadline(now.Add(8 * time.Second))
		c.SetReadDeadline(time.Time{})
	}
	want := "[r8s w9s rpast r8s rpast r8s r9.2s w10.2s rpast r9.2s]"
	if got := fmt.Sprint(w.set); got != want {
		t.Errorf("deadlines set:\n got %s\nwant %s", got, want)
	}
	// In HTTP/2 the connection has no read deadline. It is ended if its newest stream was slow.
	c.streams = streams{known: true, on: true, last: epoch}
	w.set = nil
	c.SetReadDeadline(epoch.Add(time.Minute))
	c.SetReadDeadline(time.Time{})
	c.streamsEnded(epoch.Add(slowStream - 1))
	c.streamStarted(epoch.Add(time.Second))
	c.streamsEnded(epoch.Add(slowStream))
	if len(w.set) > 0 {
		t.Errorf("deadlines set in HTTP/2: %v", w.set)
	}
	c.streamsEnded(epoch.Add(time.Second + slowStream))
	if got := fmt.Sprint(w.set); got != "[rpast]" {
		t.Errorf("after a slow stream: %s", got)
	}
	c.Close()
	if left != 1 {
		t.Error("the slot was not released")
	}
}
