package refusals

import (
	"context"
	"log/slog"
	"time"
)

// Line is a log line of a kind that may be frequent.
type Line struct {
	Key
	Level slog.Level
	Attrs []slog.Attr // in addition to the key's code, tenant and address
	Count int64       // number of events that it stands for; 0 is 1
}

// written is an entry's value in the tally of lines.
type written struct {
	Line        // the latest
	count int64 // of the events that have been logged
}

// Log writes a line immediately if it is the first of its key in the minute of at. Further lines
// are counted. When the minute is over, the latest of them is written with their number as count. A
// line without count stands for 1, so the sum over all lines is exact.
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

// writeCounts writes the lines of a finished minute whose events were not all logged.
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
