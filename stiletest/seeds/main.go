// Command seeds keeps a few of the inputs that fuzzing has found as seeds in testdata, where `go
// test` runs them. It takes those that together cover the most code that the seeds in testdata
// don't. Seeds that are there stay.
//
//	go run ./stiletest/seeds [-most 8] [-size 1024] PACKAGE FUZZTARGET
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	most := flag.Int("most", 8, "maximum number of seeds to add")
	size := flag.Int64("size", 1024, "maximum size of a seed, in bytes")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: seeds [-most N] [-size BYTES] PACKAGE FUZZTARGET")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *most, *size); err != nil {
		fmt.Fprintln(os.Stderr, "seeds:", err)
		os.Exit(1)
	}
}

func run(pkg, name string, most int, size int64) error {
	work, err := os.MkdirTemp("", "seeds")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	t, err := newTarget(pkg, name, work)
	if err != nil {
		return err
	}
	inputs, err := t.found(size)
	if err != nil {
		return err
	}
	covered, err := t.coverSeeds()
	if err != nil {
		return err
	}
	all := map[string]features{} // by input
	for _, input := range inputs {
		if all[input], err = t.coverInput(input); err != nil {
			return err
		}
	}
	chosen := choose(covered, all, most)
	for _, input := range chosen {
		if err := t.add(input); err != nil {
			return err
		}
	}
	fmt.Printf("%s %s: %d of %d inputs added\n", pkg, name, len(chosen), len(inputs))
	return nil
}

// features are what an input covers: blocks of code, each with how often it ran, as a power of two.
type features map[string]bool

// choose returns at most so many inputs: each time the one that adds the most to what is covered.
func choose(covered features, all map[string]features, most int) (chosen []string) {
	covered = maps.Clone(covered)
	names := slices.Sorted(maps.Keys(all))
	for len(chosen) < most {
		best, gain := "", 0
		for _, name := range names {
			n := 0
			for f := range all[name] {
				if !covered[f] {
					n++
				}
			}
			if n > gain {
				best, gain = name, n
			}
		}
		if gain == 0 {
			return chosen
		}
		chosen = append(chosen, best)
		maps.Copy(covered, all[best])
	}
	return chosen
}

// target is a fuzz target, compiled for measuring coverage.
type target struct {
	name   string
	dir    string // of the package
	seeds  string // folder in testdata
	cache  string // folder of the inputs that fuzzing has found
	binary string
	work   string
}

func newTarget(pkg, name, work string) (*target, error) {
	t := &target{name: name, binary: filepath.Join(work, "test"), work: work}
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}\n{{.ImportPath}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", pkg, err)
	}
	dir, path, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	t.dir, t.seeds = dir, filepath.Join(dir, "testdata", "fuzz", name)
	t.cache = filepath.Join(strings.TrimSpace(string(cache)), "fuzz", path, name)
	build := exec.Command("go", "test", "-c", "-covermode=count", "-coverpkg=./...", "-o", t.binary, pkg)
	build.Stderr = os.Stderr
	return t, build.Run()
}

// found returns the names of the inputs that fuzzing has found, without large ones and those that
// are seeds already.
func (t *target) found(size int64) (names []string, err error) {
	entries, err := os.ReadDir(t.cache)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // it does not exist: nothing was found yet
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(t.seeds, e.Name())); errors.Is(err, fs.ErrNotExist) && info.Size() <= size {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// add copies an input to the seeds.
func (t *target) add(input string) error {
	text, err := os.ReadFile(filepath.Join(t.cache, input))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(t.seeds, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.seeds, input), text, 0o644)
}

// coverSeeds returns what the seeds in testdata cover already.
func (t *target) coverSeeds() (features, error) {
	all := features{}
	seeds, err := filepath.Glob(filepath.Join(t.seeds, "*"))
	for _, seed := range seeds {
		f, err := t.cover(filepath.Base(seed))
		if err != nil {
			return nil, err
		}
		maps.Copy(all, f)
	}
	return all, err
}

// coverInput returns what an input covers, which is a seed meanwhile.
func (t *target) coverInput(input string) (features, error) {
	if err := t.add(input); err != nil {
		return nil, err
	}
	defer os.Remove(filepath.Join(t.seeds, input))
	return t.cover(input)
}

// cover runs one seed of testdata.
func (t *target) cover(seed string) (features, error) {
	profile := filepath.Join(t.work, "profile")
	cmd := exec.Command(t.binary, "-test.run", "^"+t.name+"$/^"+seed+"$", "-test.coverprofile", profile)
	cmd.Dir = t.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s/%s: %w\n%s", t.name, seed, err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	all := features{}
	for line := range strings.Lines(string(text)) {
		block, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		_, count, _ = strings.Cut(count, " ")
		if n, err := strconv.ParseUint(count, 10, 64); err == nil && n > 0 {
			all[fmt.Sprint(block, " ", bits.Len64(n))] = true
		}
	}
	return all, nil
}
