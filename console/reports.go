package console

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// reports counts what browsers report about the policy of the console's pages. Anybody may send a
// report, so only their number is logged, at most once a minute.
type reports struct {
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	count  int
	logged time.Time
}

const (
	maxReport   = 16 << 10
	reportEvery = time.Minute
)

// ServeHTTP counts a report.
func (s *reports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A longer one ends its connection.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxReport))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if now := s.now(); now.Sub(s.logged) >= reportEvery {
		s.log.Warn("console: browsers report that the policy of pages forbade something", "reports", s.count)
		s.count, s.logged = 0, now
	}
	w.WriteHeader(http.StatusNoContent)
}
