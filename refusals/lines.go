package refusals

import (
	"context"
	"log/slog"
	"time"
)

// Line is a log line of a kind that may come in floods.
type Line struct {
	Key
	Level slog.Level
	Attrs []slog.Attr // in addition to code, tenant and address, which are the key's
	Count int64       // what it stands for; 0 is 1
}

// written is an entry's value in the tally of lines.
type written struct {
	Line        // the latest
	count int64 // of the lines that have been written
}

// Log writes a line at once if it is the first of its key in the minute of at.
// The others are counted, and the latest of them is written with their number
// as count when the minute is over. A line without count stands for 1, so that
// a sum over all lines is exact.
func (r *Recorder) Log(at time.Time, l Line) {
	if !r.log.Enabled(context.Background(), l.Level) {
		return
	}
	l.Count = max(l.Count, 1)
	r.mu.Lock()
	e, first := r.lines.count(l.Key, at, l.Count)
	e.value.Line = l
	if first {
		e.value.count = l.Count
	}
	l.Key = e.key
	r.mu.Unlock()
	if first {
		r.writeLine(l)
	}
}

// writeCounts writes the lines of a minute that is over, where not all of them
// have been written.
func (r *Recorder) writeCounts(ended []*entry[written]) {
	for _, e := range ended {
		l := e.value.Line
		l.Key = e.key
		if l.Count = e.count - e.value.count; l.Count > 0 {
			r.writeLine(l)
		}
	}
}

func (r *Recorder) writeLine(l Line) {
	attrs := make([]slog.Attr, 0, len(l.Attrs)+4)
	if l.Code != "" {
		attrs = append(attrs, slog.String("code", l.Code), slog.String("tenant", l.Tenant), slog.String("address", l.Address))
	} else if l.Tenant != "" {
		attrs = append(attrs, slog.String("tenant", l.Tenant))
	}
	attrs = append(attrs, l.Attrs...)
	if l.Count > 1 {
		attrs = append(attrs, slog.Int64("count", l.Count))
	}
	r.log.LogAttrs(context.Background(), l.Level, l.Message, attrs...)
}
