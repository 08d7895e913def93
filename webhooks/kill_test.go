package webhooks_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/store/sqlite"
	"stile.example/stile/store/tables/webhookdb"
	"stile.example/stile/webhooks"
)

// TestMain runs the process that TestR1_Kill kills, if the environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv("STILE_TEST_WEBHOOKS"); dir != "" {
		if err := emitUntilKilled(dir, os.Getenv("STILE_TEST_URL"), os.Getenv("STILE_TEST_EVENTS") == "1"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// emitUntilKilled sends what is stored and, if emits says so, stores events and prints the number
// of each once it is stored.
func emitUntilKilled(dir, url string, emits bool) error {
	ctx, log := context.Background(), slog.New(slog.NewTextHandler(os.Stderr, nil))
	db, err := sqlite.Open(ctx, filepath.Join(dir, "stile.db"), sqlite.Options{Log: log, Now: time.Now})
	if err != nil {
		return err
	}
	o, err := webhooks.New(webhooks.Config{Store: webhookdb.Table{DB: db}, ServerKey: []byte("key"), Targets: webhooks.LoopbackTargets, Now: time.Now, Log: log})
	if err != nil {
		return err
	}
	all, err := o.List(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if _, _, err := o.Add(ctx, webhooks.Change{URL: &url}); err != nil {
			return err
		}
	}
	go o.Run(ctx)
	for n := 0; emits; n++ {
		name := fmt.Sprintf("%d-%d", os.Getpid(), n)
		if _, err := o.Emit(ctx, event(name)); err != nil {
			return err
		}
		fmt.Println(name)
	}
	select {}
}

// TestR1_Kill kills a process that stores and sends events, again and again. Each event that was
// stored arrives at least once, always with the same webhook-id.
func TestR1_Kill(t *testing.T) {
	dir := t.TempDir()
	r := newReceiver(t, time.Now, nil)
	stored := map[string]bool{}
	for round := range 6 {
		child := startChild(t, dir, r.URL, true)
		n := 0
		for lines := bufio.NewScanner(child.out); lines.Scan(); n++ {
			stored[lines.Text()] = true
			if n == 20+7*round {
				child.kill()
			}
		}
		child.cmd.Wait()
	}
	child := startChild(t, dir, r.URL, false)
	ids := func() map[string]string {
		ids := map[string]string{}
		for _, got := range r.got() {
			name, id := got.tenant(), got.header.Get("webhook-id")
			if was, ok := ids[name]; ok && was != id {
				t.Fatalf("%s came as %s and as %s", name, was, id)
			}
			ids[name] = id
		}
		return ids
	}
	eventually(t, "every stored event arrives", func() bool {
		arrived := ids()
		for name := range stored {
			if arrived[name] == "" {
				return false
			}
		}
		return true
	})
	child.kill()
	child.cmd.Wait()
	if len(stored) < 100 {
		t.Errorf("only %d events were stored", len(stored))
	}
	t.Logf("%d events stored, %d requests", len(stored), len(r.got()))
}

type child struct {
	cmd *exec.Cmd
	out *os.File
}

func startChild(t *testing.T, dir, url string, emits bool) child {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := child{exec.Command(os.Args[0]), out}
	c.cmd.Env = append(os.Environ(), "STILE_TEST_WEBHOOKS="+dir, "STILE_TEST_URL="+url, fmt.Sprintf("STILE_TEST_EVENTS=%d", btoi(emits)))
	c.cmd.Stdout, c.cmd.Stderr = in, os.Stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	t.Cleanup(func() { c.kill(); out.Close() })
	return c
}

func (c child) kill() { c.cmd.Process.Kill() }
