package simulate

import (
	"time"

	"stile.example/stile/tokens"
)

// Result is what became of one group.
type Result struct {
	Name     string `json:"name"`
	What     string `json:"what"`
	Scrapers bool   `json:"scrapers"`
	Agents   int    `json:"agents"`

	Calls       int `json:"calls"` // answered
	Suggestions int `json:"suggestions"`
	Records     int `json:"records"` // items delivered
	Tokens      int `json:"tokens"`
	Renewals    int `json:"renewals"` // tokens that replaced one that had become invalid

	Work        float64 `json:"work_a_day"`      // challenges an agent and day
	Pictures    float64 `json:"pictures_a_day"`  // the same
	SawPicture  float64 `json:"saw_picture"`     // share of the agents who saw one
	Blocks      int     `json:"blocks"`          // of addresses, by the rules
	Blocked     int     `json:"blocked"`         // agents that met one
	BlockedTime float64 `json:"blocked_minutes"` // an agent that met one, in the mean
	Seconds     float64 `json:"work_seconds"`    // waited for work, an agent and day
	CPU         float64 `json:"cpu_seconds"`     // spent on challenges by all, on processors of their own
	Hour        float64 `json:"corpus_hour"`     // share of the corpus delivered in the best hour
	Day         float64 `json:"corpus_day"`      // and in the best day
	Titles      int     `json:"titles"`          // that suggestions showed, and that were new to whoever asked
	Proofs      int     `json:"proofs"`          // remembered at once, at most
}

// tally counts while a group lives.
type tally struct {
	Result
	agents         int
	work, pictures int // challenges
	blocks         int // by the rules
	waited, cpu    time.Duration
	saw            map[int]bool
	until          map[int]time.Duration // by agent: the end of the last block that it met
	lost           time.Duration
	seen           []uint64 // a bit for each item
	hours          []int    // new items, by hour
	second         time.Duration
	spent          [proofLife / time.Second]int // proofs by second, modulo their life
}

func newTally(c Config) tally {
	return tally{saw: map[int]bool{}, until: map[int]time.Duration{},
		seen: make([]uint64, c.Corpus/64+2), hours: make([]int, 24*c.Days)}
}

// note counts what came of an event.
func (t *tally) note(who int, e tokens.Event, v tokens.Verdict) {
	if who == nobody {
		return
	}
	if c, ok := e.(tokens.Call); ok && v.Outcome == tokens.Admit {
		t.Calls++
		t.Records += int(c.Records)
	}
	if s, ok := e.(tokens.Suggest); ok && v.Outcome == tokens.Admit {
		t.Suggestions++
		t.Titles += int(s.Titles)
	}
	switch {
	case v.ChallengeIssued && v.State.OpenChallenge.Kind == tokens.Work:
		t.work++
	case v.ChallengeIssued:
		t.pictures++
		t.saw[who] = true
	}
}

// bar counts an agent that met a block, once for each block.
func (t *tally) bar(who int, now, until time.Duration) {
	if who == nobody {
		return
	}
	if last, met := t.until[who]; !met || last != until {
		t.until[who] = until
		t.lost += until - now
	}
}

func (t *tally) wait(waited, cpu time.Duration) {
	t.waited += waited
	t.cpu += cpu
}

// take notes that a crawl was delivered n items from the first on.
func (t *tally) take(now time.Duration, first, n int) {
	for item := first; item < first+n; item++ {
		t.mark(now, item)
	}
}

// browse notes that a person was delivered n items: those of a subject, of
// which a few are popular and most are not.
func (w *world) browse(now time.Duration, n uint32) {
	subject := uint64(w.zipf(w.Corpus))
	for i := range uint64(n) {
		w.mark(now, int((subject*20+i)*0x9e3779b97f4a7c15>>16)%w.Corpus)
	}
}

func (t *tally) mark(now time.Duration, item int) {
	word, bit := &t.seen[item/64], uint64(1)<<(item%64)
	if *word&bit == 0 {
		*word |= bit
		t.hours[now/time.Hour]++
	}
}

// result sums up.
func (w *world) result(k kind) Result {
	r := w.tally.Result
	r.Name, r.What, r.Scrapers, r.Agents, r.Blocks, r.Blocked = k.name, k.what, k.scrapers, w.agents, w.blocks, len(w.until)
	days := float64(w.agents * w.Days)
	r.Work, r.Pictures, r.Seconds = float64(w.work)/days, float64(w.pictures)/days, w.waited.Seconds()/days
	r.SawPicture = float64(len(w.saw)) / float64(w.agents)
	r.CPU = w.cpu.Seconds()
	if len(w.until) > 0 {
		r.BlockedTime = w.lost.Minutes() / float64(len(w.until))
	}
	for day := range w.Days {
		sum := 0
		for _, n := range w.hours[24*day : 24*day+24] {
			r.Hour = max(r.Hour, float64(n)/float64(w.Corpus))
			sum += n
		}
		r.Day = max(r.Day, float64(sum)/float64(w.Corpus))
	}
	return r
}
