//go:build measure

package build

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/content/imports"
)

// TestMeasureMoved logs how many pages and chunks of the file change with one item, in corpora of
// 10,000, 100,000 and 1,000,000 items made of the JSONL file that STILE_CORPUS names. Larger corpora
// repeat its items under other ids. STILE_MEASURE_DIR keeps the files for the next run.
//
//	go run ./examples/wordnet /usr/share/wordnet > wordnet.jsonl
//	STILE_CORPUS=$PWD/wordnet.jsonl STILE_MEASURE_DIR=/var/tmp go test -tags sqlite_fts5,measure -run MeasureMoved -v -timeout 1h ./corpus/build
func TestMeasureMoved(t *testing.T) {
	items := readItems(t, os.Getenv("STILE_CORPUS"))
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		file := filepath.Join(os.Getenv("STILE_MEASURE_DIR"), fmt.Sprintf("measure-%d.db", n))
		if _, err := os.Stat(file); err != nil {
			makeMeasured(t, file, items, n)
		}
		measureChange(t, file, items, n)
	}
}

func readItems(t *testing.T, name string) (items []content.Item) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatalf("STILE_CORPUS must name a JSONL file: %v", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var it content.Item
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	return items
}

// numbered returns the item of a number, whose texts are repeated after each len(items).
func numbered(items []content.Item, n int) content.Item {
	it := items[n*7919%len(items)]
	it.ID = fmt.Sprintf("%s-%d", it.ID, n)
	return it
}

func makeMeasured(t *testing.T, file string, items []content.Item, n int) {
	t.Helper()
	at := time.Now()
	if err := Create(t.Context(), file+".new"); err != nil {
		t.Fatal(err)
	}
	_, err := Update(file+".new", 0, func(b *Builder) error {
		_, err := b.Import(t.Context(), imports.Options{}, func(yield func(content.Item, error) bool) {
			for i := range n {
				if !yield(numbered(items, i), nil) {
					return
				}
			}
		})
		return err
	})
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items: made in %v", n, time.Since(at))
}

func measureChange(t *testing.T, file string, items []content.Item, n int) {
	t.Helper()
	before, dir := file, t.TempDir()
	for round := range 8 {
		after := filepath.Join(dir, fmt.Sprintf("after-%d.db", round))
		at := time.Now()
		if err := copyForTest(after, before); err != nil {
			t.Fatal(err)
		}
		copied := time.Since(at)
		at = time.Now()
		it := numbered(items, n/2+round*1001)
		it.Title, it.Summary = "Changed "+it.Title, it.Summary+" with a changed text"
		_, err := Update(after, 0, func(b *Builder) error {
			_, err := b.Import(context.Background(), imports.Options{}, func(yield func(content.Item, error) bool) { yield(it, nil) })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		built := time.Since(at)
		at = time.Now()
		pages, chunks, size := compare(t, before, after)
		t.Logf("%d items, %d MiB: %d pages in %d chunks changed; copy %v, build %v, compare %v",
			n, size>>20, pages, chunks, copied, built, time.Since(at))
		if before != file {
			os.Remove(before)
		}
		before = after
	}
}

func copyForTest(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(out, in)
	return err
}

func compare(t *testing.T, before, after string) (pages, chunks int, size int64) {
	t.Helper()
	a, err := os.Open(before)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := os.Open(after)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	x, y := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, _ := io.ReadFull(a, x)
		m, err := io.ReadFull(b, y)
		size += int64(m)
		if m == 0 {
			return pages, chunks, size
		}
		if !bytes.Equal(x[:n], y[:m]) {
			chunks++
			for p := 0; p < m; p += 4096 {
				if p >= n || !bytes.Equal(x[p:p+4096], y[p:p+4096]) {
					pages++
				}
			}
		}
		_ = err
	}
}
