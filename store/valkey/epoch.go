package valkey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// epochBatch is how many slots are read or written in one pipeline.
const epochBatch = 1024

// epochs lets one goroutine write the epochs, and the others wait for it.
type epochs struct {
	writing   chan struct{} // has an element while a goroutine is writing
	began     time.Time     // when the last one that succeeded began
	notBefore int64         // and what it wrote
}

// SetEpoch stores the epoch, unless a later one is present: in a Cluster one for each slot, so that
// each master that loses its memory, and each slot that moves without its keys, is noticed.
func (e *Engine) SetEpoch(ctx context.Context, notBefore int64) error {
	called := time.Now()
	select {
	case e.epochs.writing <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("valkey: wait for the epoch: %w", ctx.Err())
	}
	defer func() { <-e.epochs.writing }()
	if e.epochs.began.After(called) && e.epochs.notBefore >= notBefore {
		return nil
	}
	began := time.Now()
	if err := e.writeEpochs(ctx, notBefore); err != nil {
		return fmt.Errorf("valkey: write the epoch: %w", err)
	}
	e.epochs.began, e.epochs.notBefore = began, notBefore
	return nil
}

func (e *Engine) writeEpochs(ctx context.Context, notBefore int64) error {
	if !e.target.Cluster {
		return e.raiseEpochs(ctx, []int{0}, notBefore)
	}
	ranges, _, err := e.slotRanges(ctx)
	if err != nil {
		return err
	}
	var slots []int // that have a master; the others have no values either
	for _, r := range ranges {
		for slot := r.first; slot <= r.last; slot++ {
			slots = append(slots, slot)
		}
	}
	for batch := range slices.Chunk(slots, epochBatch) {
		// If some slots can't be written, the others are nevertheless.
		older, failed := e.addEpochs(ctx, batch, notBefore)
		if len(older) > 0 {
			failed = cmp.Or(failed, e.raiseEpochs(ctx, older, notBefore))
		}
		err = cmp.Or(err, failed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}

// addEpochs stores the epoch of the slots that have none. It returns those that have an older one,
// and the first error.
func (e *Engine) addEpochs(ctx context.Context, slots []int, notBefore int64) (older []int, first error) {
	commands := make(rueidis.Commands, 0, len(slots))
	for _, slot := range slots {
		commands = append(commands, e.client.B().Arbitrary("SET").Keys(e.names.epoch(slot)).
			Args(strconv.FormatInt(notBefore, 10), "NX", "GET").Build())
	}
	for i, r := range e.doMulti(ctx, commands) {
		present, err := r.AsInt64()
		switch {
		case rueidis.IsRedisNil(err):
		case err == nil && present < notBefore:
			older = append(older, slots[i])
		case err != nil && first == nil:
			first = fault(err, false)
		}
	}
	return older, first
}

func (e *Engine) raiseEpochs(ctx context.Context, slots []int, notBefore int64) error {
	commands := make(rueidis.Commands, 0, len(slots))
	for _, slot := range slots {
		commands = append(commands, e.client.B().Eval().Script(epochScript.text).Numkeys(1).
			Key(e.names.epoch(slot)).Arg(strconv.FormatInt(notBefore, 10)).Build())
	}
	var first error
	for _, r := range e.doMulti(ctx, commands) {
		if err := r.Error(); err != nil && first == nil {
			first = fault(err, true)
		}
	}
	return first
}

// doMulti sends commands in one pipeline to each server. It is for what calls don't wait for.
func (e *Engine) doMulti(ctx context.Context, commands rueidis.Commands) []rueidis.RedisResult {
	if e.closed.Load() {
		results := make([]rueidis.RedisResult, len(commands))
		for i := range results {
			results[i] = rueidis.NewErrorResult(notSent{errClosed})
		}
		return results
	}
	return e.client.DoMulti(e.deadlines.Within(ctx, e.timeout), commands...)
}

// Ready returns an error unless each master can be written, and each slot has one.
func (e *Engine) Ready(ctx context.Context) error {
	slots, err := e.masters(ctx)
	if err != nil {
		return err
	}
	commands := make(rueidis.Commands, 0, len(slots))
	for _, slot := range slots {
		commands = append(commands, e.client.B().Set().Key(e.names.probe(slot)).Value("1").PxMilliseconds(probeMillis).Build())
	}
	for _, r := range e.doMulti(ctx, commands) {
		if err := r.Error(); err != nil {
			return e.failed(err, false)
		}
	}
	return nil
}

// probeMillis is how long a key that was written as a test remains.
const probeMillis = 10_000

// masters returns one slot of each master. It is an error if slots have no master.
func (e *Engine) masters(ctx context.Context) ([]int, error) {
	if !e.target.Cluster {
		return []int{0}, nil
	}
	ranges, missing, err := e.slotRanges(ctx)
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		return nil, fmt.Errorf("valkey: %d slots of the cluster have no master; see CLUSTER INFO", missing)
	}
	return oneOfEach(ranges), nil
}

// oneOfEach returns one slot of each master.
func oneOfEach(ranges []slotRange) (slots []int) {
	known := map[string]bool{}
	for _, r := range ranges {
		if !known[r.master] {
			known[r.master] = true
			slots = append(slots, r.first)
		}
	}
	return slots
}

// slotRange is a range of slots that one master has.
type slotRange struct {
	first, last int
	master      string // its id
}

// slotRanges returns the ranges of a Cluster's slots, and how many slots have no master.
func (e *Engine) slotRanges(ctx context.Context) (ranges []slotRange, missing int, err error) {
	if e.closed.Load() {
		return nil, 0, errClosed
	}
	r := e.client.Do(e.deadlines.Within(ctx, e.timeout), e.client.B().ClusterSlots().Build())
	list, err := r.ToArray()
	if err != nil {
		return nil, 0, e.failed(err, false)
	}
	missing = slotCount
	for i := range list {
		s, err := readSlotRange(list[i])
		if err != nil {
			return nil, 0, fmt.Errorf("valkey: reply of CLUSTER SLOTS: %w", err)
		}
		missing -= s.last - s.first + 1
		ranges = append(ranges, s)
	}
	return ranges, missing, nil
}

// readSlotRange reads an element of the reply: first and last slot, then the master, an array of
// address, port and id.
func readSlotRange(m rueidis.RedisMessage) (s slotRange, err error) {
	parts, err := m.ToArray()
	if err != nil || len(parts) < 3 {
		return s, errors.Join(errors.New("a range is incomplete"), err)
	}
	first, err1 := parts[0].AsInt64()
	last, err2 := parts[1].AsInt64()
	master, err3 := parts[2].ToArray()
	if err := errors.Join(err1, err2, err3); err != nil {
		return s, err
	}
	if len(master) < 3 || first < 0 || last < first || last >= slotCount {
		return s, errors.New("a range is invalid")
	}
	id, err := master[2].ToString()
	return slotRange{int(first), int(last), id}, err
}
