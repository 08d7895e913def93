// Command wordnet measures stile with a corpus of realistic size. It converts Debian's WordNet
// (about 117,000 synsets), imports it with the real program, and requests items, suggestions and
// searches from the real server. It prints the time and memory of the import, the size of the data,
// and the latency of each kind of request. The latency is measured on one connection, from the
// first byte of the request to the last byte of the response.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"stile.example/stile/stiletest"
	"stile.example/stile/stiletest/leftovers"
)

func main() {
	dict := flag.String("dict", "/usr/share/wordnet", "directory of WordNet's data files")
	n := flag.Int("n", 2000, "number of requests of each kind")
	seed := flag.Uint64("seed", 1, "random seed for the requests")
	flag.Parse()
	if err := run(*dict, *n, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "wordnet:", err)
		os.Exit(1)
	}
}

func run(dict string, n int, seed uint64) error {
	dir, err := os.MkdirTemp("", "stile-wordnet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := leftovers.Remove(dir); err != nil {
		return err
	}
	binary, err := stiletest.Build(dir)
	if err != nil {
		return err
	}
	s := &stiletest.Server{Binary: binary, Dir: dir, Env: stiletest.NoChallenges(),
		Settings: "policy: {token: {calls: 1000000000, records: 1000000000}}"}
	titles, err := convert(dict, filepath.Join(dir, "wordnet.jsonl"))
	if err != nil {
		return err
	}
	if err := importOffline(s, "wordnet.jsonl"); err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	defer s.Kill()
	return measureAll(s, titles, n, rand.New(rand.NewPCG(seed, 0)))
}

// convert writes the corpus and returns its titles.
func convert(dict, file string) (titles []string, err error) {
	cmd := exec.Command("go", "run", "stile.example/stile/examples/wordnet", dict)
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	for line := range bytes.Lines(stdout.Bytes()) {
		var item struct{ Title string }
		if err := json.Unmarshal(line, &item); err != nil {
			return nil, err
		}
		titles = append(titles, item.Title)
	}
	fmt.Printf("corpus: %d items, %.1f MB of JSONL\n", len(titles), float64(stdout.Len())/1e6)
	return titles, os.WriteFile(file, stdout.Bytes(), 0o600)
}

// importOffline imports the file while no server runs. One process does all the work, so its peak
// memory is that of the import.
func importOffline(s *stiletest.Server, file string) error {
	cmd := exec.Command(s.Binary, "content", "import", file, "--json")
	cmd.Dir = s.Dir
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	took, usage := time.Since(start), cmd.ProcessState.SysUsage().(*syscall.Rusage)
	size, err := sizeOf(filepath.Join(s.Dir, "data"))
	fmt.Printf("import: %.1f s, peak %d MiB, data %.0f MB: %s\n", took.Seconds(), usage.Maxrss>>10, float64(size)/1e6, bytes.TrimSpace(out))
	return err
}

func sizeOf(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		n += info.Size()
		return err
	})
	return n, err
}

// client sends its requests over one connection, as a browser that keeps it open does.
type client struct {
	conn  net.Conn
	in    *bufio.Reader
	host  string
	token string
}

// measureAll measures n requests of each kind.
func measureAll(s *stiletest.Server, titles []string, n int, rng *rand.Rand) error {
	secret, err := s.Tenant("acme")
	if err != nil {
		return err
	}
	token, err := s.Token("acme", secret)
	if err != nil {
		return err
	}
	host := strings.TrimPrefix(s.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	c := client{conn, bufio.NewReaderSize(conn, 64<<10), host, token}
	for _, k := range kinds(titles, rng) {
		if err := c.measure(k, n); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
	}
	return c.correct()
}

// misspellings lists misspelt words, each with the one that is meant.
const misspellings = "corpus/spelling/testdata/misspellings.txt"

// correct prints how many of the misspellings are corrected to the right word.
func (c client) correct() error {
	text, err := os.ReadFile(misspellings)
	if err != nil {
		return fmt.Errorf("%w (run this in the root of the repository)", err)
	}
	right, all := 0, 0
	for line := range strings.Lines(string(text)) {
		pair := strings.Fields(line)
		if len(pair) != 2 || pair[0] == "#" {
			continue
		}
		meta, err := c.get("/v1/items?q=" + pair[0])
		if err != nil {
			return err
		}
		if all++; len(meta.Corrected) == 1 && strings.EqualFold(meta.Corrected[0][1], pair[1]) {
			right++
		}
	}
	fmt.Printf("misspellings: %d of %d corrected to the right word, %.1f %%\n", right, all, 100*float64(right)/float64(all))
	return nil
}

// kind is a kind of request. Each call of path returns the next one.
type kind struct {
	name string
	path func() string
}

func kinds(titles []string, rng *rand.Rand) []kind {
	words := wordsOf(titles)
	word := func() string { return words[rng.IntN(len(words))] }
	common := frequent(words, 200)
	search := func(q string) string { return "/v1/items?q=" + url.QueryEscape(q) }
	return []kind{
		{"one word of a title", func() string { return search(word()) }},
		{"one of the 200 most common words", func() string { return search(common[rng.IntN(len(common))]) }},
		{"three words", func() string { return search(threeOf(titles[rng.IntN(len(titles))], word)) }},
		{"one mistyped word", func() string { return search(mistype(word(), rng)) }},
		{"two words, one mistyped", func() string { return search(word() + " " + mistype(word(), rng)) }},
		{"three words of three titles", func() string { return search(word() + " " + word() + " " + word()) }},
		{"start of a word", func() string { return search(beginning(word(), rng)) }},
		{"one word with facets", func() string { return search(word()) + "&facets=collection,tag&highlight=1" }},
		{"suggestions", func() string { return "/v1/suggest?q=" + url.QueryEscape(beginning(word(), rng)) }},
		{"front page", func() string { return "/v1/items?sort=title&facets=collection" }},
	}
}

func wordsOf(titles []string) (words []string) {
	for _, t := range titles {
		words = append(words, strings.Fields(t)...)
	}
	return words
}

func frequent(words []string, n int) []string {
	count := map[string]int{}
	for _, w := range words {
		count[strings.ToLower(w)]++
	}
	all := make([]string, 0, len(count))
	for w := range count {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	return all[:n]
}

// threeOf returns the first three words of a title, with others added if it has fewer.
func threeOf(title string, other func() string) string {
	words := strings.Fields(title)
	for len(words) < 3 {
		words = append(words, other())
	}
	return strings.Join(words[:3], " ")
}

// mistype exchanges, drops or doubles a letter.
func mistype(word string, rng *rand.Rand) string {
	r := []rune(word)
	if len(r) < 4 {
		return word
	}
	at := 1 + rng.IntN(len(r)-2)
	switch rng.IntN(3) {
	case 0:
		r[at], r[at+1] = r[at+1], r[at]
	case 1:
		r = slices.Delete(r, at, at+1)
	default:
		r = slices.Insert(r, at, r[at])
	}
	return string(r)
}

func beginning(word string, rng *rand.Rand) string {
	r := []rune(word)
	return string(r[:min(len(r), 1+rng.IntN(5))])
}

// measure sends n requests and prints how long they took.
func (c client) measure(k kind, n int) error {
	took := make([]time.Duration, 0, n)
	var largest time.Duration
	for range n {
		path := k.path()
		start := time.Now()
		if _, err := c.get(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		took = append(took, time.Since(start))
		largest = max(largest, took[len(took)-1])
	}
	slices.Sort(took)
	us := func(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }
	fmt.Printf("%-32s p50 %-9v p99 %-9v max %v\n", k.name, us(took[n/2]), us(took[n*99/100]), us(largest))
	return nil
}

// meta is what a response says about how its query was understood.
type meta struct{ Corrected [][2]string }

func (c client) get(path string) (m meta, err error) {
	sep := "&"
	if !strings.Contains(path, "?") {
		sep = "?"
	}
	_, err = fmt.Fprintf(c.conn, "GET %s%sclient_id=acme HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, sep, c.host, c.token)
	if err != nil {
		return m, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return m, err
	}
	defer res.Body.Close()
	var body struct {
		Error *struct{ Code, Detail string }
		Meta  meta
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return m, err
	}
	if body.Error != nil {
		return m, fmt.Errorf("%s: %s", body.Error.Code, body.Error.Detail)
	}
	return body.Meta, nil
}
