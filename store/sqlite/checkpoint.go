package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"sync/atomic"
)

const (
	pageSize = 4096
	// walPages is how many pages the write-ahead log has when it is copied into the file: 16 MiB.
	walPages = 4096
	// walMost is how many pages it has when calls must wait for that: 256 MiB.
	walMost = 65536
)

// checkpointer copies the write-ahead log into the file, so that the log does not grow without
// limit. It has a connection and a goroutine of its own, since calls would notice the time that
// copying takes.
type checkpointer struct {
	db      *DB
	conn    *sql.DB
	pages   atomic.Int64 // written since the last checkpoint; an estimate
	due     chan struct{}
	failing bool
	stopped chan struct{}
}

func startCheckpointer(db *DB) *checkpointer {
	c := &checkpointer{
		db:      db,
		conn:    open(dsn(db.file, url.Values{"mode": {"rw"}, "_busy_timeout": {"1000"}, "_synchronous": {"NORMAL"}}), 1),
		due:     make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	go c.run()
	return c
}

// wrote notes that a transaction has written about n pages.
func (c *checkpointer) wrote(n int) {
	if c.pages.Add(int64(n)) < walPages {
		return
	}
	select {
	case c.due <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.due {
		c.pages.Store(0)
		err := c.checkpoint()
		if err != nil && !c.failing {
			c.db.opt.Log.Error("can't copy the write-ahead log into the file", "err", err)
		}
		c.failing = err != nil
	}
}

// checkpoint copies most of the log while calls continue. Then it copies what they have added, on
// the writing connection: SQLite starts to overwrite the log only when all of it is copied. A
// reader can prevent that. If the log has become too long, calls must wait until the reader is
// done.
func (c *checkpointer) checkpoint() error {
	pages, err := copyLog(c.conn, "PASSIVE")
	if err != nil {
		return err
	}
	mode := "PASSIVE"
	if pages > walMost {
		mode = "TRUNCATE"
	}
	_, err = copyLog(c.db.write, mode)
	return err
}

// copyLog makes a checkpoint and returns how many pages are in the log.
func copyLog(conn *sql.DB, mode string) (pages int, err error) {
	var busy, copied int
	err = conn.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &pages, &copied)
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %w", err)
	}
	return pages, nil
}

// stop must be called when nothing is written any more.
func (c *checkpointer) stop() error {
	close(c.due)
	<-c.stopped
	return c.conn.Close()
}
