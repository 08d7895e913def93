package stiletest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
)

// The words and tags of a slow corpus.
const (
	slowFrequent = 12  // words, of which an item has 8
	slowMedium   = 8   // words, of which an item has 1
	slowRare     = 997 // words, of which an item has 1
	slowTags     = 40  // tags, of which an item has 8
)

// SlowItems is the size of a slow corpus whose import takes about 10 s. On one processor, a
// SlowQuery with an even number then takes about 65 ms, and one with an odd number 155 ms.
const SlowItems = 120_000

// WriteSlowCorpus writes a JSONL file of n items in which searches for frequent words are slow:
// most items have most of these words, and each has eight tags and three attributes that facets
// must count. The same n gives the same file.
func WriteSlowCorpus(file string, n int) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := slowCorpus(w, n); err != nil {
		return err
	}
	return w.Flush()
}

// slowCorpus writes the n items.
func slowCorpus(w io.Writer, n int) error {
	rng := rand.New(rand.NewPCG(54, 55))
	for i := range n {
		words := make([]string, 0, 10)
		for _, word := range rng.Perm(slowFrequent)[:8] {
			words = append(words, frequentWord(word))
		}
		words = append(words, fmt.Sprint("medium", rng.IntN(slowMedium)), SlowRareWord(rng.IntN(slowRare)))
		tags := make([]string, 0, 8)
		for _, tag := range rng.Perm(slowTags)[:8] {
			tags = append(tags, fmt.Sprintf(`"tag%d"`, tag))
		}
		_, err := fmt.Fprintf(w,
			`{"id":"slow-%d","collection":"slow%d","title":"s%d","summary":%q,"tags":[%s],"attributes":{"maker":"maker%d","size":%d,"shape":"shape%d"}}`+"\n",
			i, i%10, i, strings.Join(words, " "), strings.Join(tags, ","), rng.IntN(500), rng.IntN(60), rng.IntN(20))
		if err != nil {
			return err
		}
	}
	return nil
}

func frequentWord(i int) string { return fmt.Sprint("frequent", string(rune('a'+i))) }

// SlowRareWord returns rare word i, which about 200 of 200,000 items have. A search for it is fast.
func SlowRareWord(i int) string { return fmt.Sprint("rare", i%slowRare) }

// SlowQuery returns the parameters of slow search i of a slow corpus, for /v1/items. If i is even,
// they are three frequent words and a tag, sorted by relevance. If i is odd, they are a prefix that
// all frequent words share, sorted by title.
func SlowQuery(i int) url.Values {
	rng := rand.New(rand.NewPCG(uint64(i), 54))
	facets := strings.Split("tag,collection,maker,size,shape", ",")
	rng.Shuffle(len(facets), func(i, j int) { facets[i], facets[j] = facets[j], facets[i] })
	q := url.Values{"tag": {fmt.Sprint("tag", rng.IntN(slowTags))}, "facets": {strings.Join(facets, ",")}}
	if i%2 == 1 {
		q.Set("q", "frequent"[:1+rng.IntN(len("frequent"))])
		q.Set("sort", "title")
		return q
	}
	var words []string
	for _, word := range rng.Perm(slowFrequent)[:3] {
		words = append(words, frequentWord(word))
	}
	q.Set("q", strings.Join(words, " "))
	return q
}
