package handlers

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestPatient: the context ends with our patience for who waits and for who
// asks, and lets go whoever waits when it is released.
func TestPatient(t *testing.T) {
	over := &patient{end: time.Now().Add(-time.Second)}
	if !errors.Is(over.Err(), context.DeadlineExceeded) {
		t.Errorf("past its end: %v", over.Err())
	}
	<-over.Done()
	over.release()

	p := &patient{end: time.Now().Add(time.Hour)}
	if end, ok := p.Deadline(); !ok || !end.Equal(p.end) || p.Err() != nil {
		t.Errorf("before its end: %v %v %v", end, ok, p.Err())
	}
	waited := make(chan struct{})
	done := p.Done()
	go func() { <-done; close(waited) }()
	p.release()
	<-waited

	unasked := &patient{end: time.Now().Add(time.Hour)}
	unasked.release()
	<-unasked.Done() // too late to begin a timer that nobody would stop
}
