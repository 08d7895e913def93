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
	over := &deadlineContext{end: time.Now().Add(-time.Second)}
	if !errors.Is(over.Err(), context.DeadlineExceeded) {
		t.Errorf("past its end: %v", over.Err())
	}
	<-over.Done()
	over.release()

	p := &deadlineContext{end: time.Now().Add(time.Hour)}
	if end, ok := p.Deadline(); !ok || !end.Equal(p.end) || p.Err() != nil {
		t.Errorf("before its end: %v %v %v", end, ok, p.Err())
	}
	waited := make(chan struct{})
	done := p.Done()
	go func() { <-done; close(waited) }()
	p.release()
	<-waited
	if !errors.Is(p.Err(), context.Canceled) {
		t.Errorf("released: %v", p.Err())
	}

	unasked := &deadlineContext{end: time.Now().Add(time.Hour)}
	unasked.release()
	<-unasked.Done() // too late to begin a timer that nobody would stop
}

// TestPatientHasChildren: contexts made from this one end with it, by its error.
// One that is done and has none brings the whole program down.
func TestPatientHasChildren(t *testing.T) {
	for range 2000 {
		p := &deadlineContext{end: time.Now().Add(time.Hour)}
		child, cancel := context.WithTimeout(p, time.Hour)
		p.release()
		<-child.Done()
		if !errors.Is(child.Err(), context.Canceled) {
			t.Fatalf("a child of a released context: %v", child.Err())
		}
		cancel()
	}
	p := &deadlineContext{end: time.Now().Add(time.Millisecond)}
	defer p.release()
	child, cancel := context.WithCancel(p)
	defer cancel()
	<-child.Done()
	if !errors.Is(child.Err(), context.DeadlineExceeded) {
		t.Errorf("a child of one that ended: %v", child.Err())
	}
}
