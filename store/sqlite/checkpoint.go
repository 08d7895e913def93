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
	// walPages are the pages after which the write-ahead log is copied into
	// the file: 16 MiB.
	walPages = 4096
	// walMost are the pages, 256 MiB, from which on calls wait for that.
	walMost = 65536
)

// checkpointer copies the write-ahead log into the file, so that the log does
// not grow for ever. It has a connection and a goroutine of its own: the
// copying takes long enough to be felt by the calls that would wait for it.
type checkpointer struct {
	db      *DB
	conn    *sql.DB
	pages   atomic.Int64 // written since the last checkpoint, about
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
			c.db.opt.Log.Error("the write-ahead log cannot be copied into the file", "err", err)
		}
		c.failing = err != nil
	}
}

// checkpoint copies most of the log while calls go on, and what they have
// added meanwhile in a turn of the writing connection: only when all of it is
// copied does SQLite begin the log anew. A reader may be in the way of that;
// if it has been for long, calls must wait until it is done.
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

// stop must be called when nobody writes any more.
func (c *checkpointer) stop() error {
	close(c.due)
	<-c.stopped
	return c.conn.Close()
}
