package simulate

import (
	"time"

	"stile.example/stile/tokens"
)

// Result is the result of one group.
type Result struct {
	Name     string `json:"name"`
	What     string `json:"what"`
	Scrapers bool   `json:"scrapers"`
	Agents   int    `json:"agents"`

	Calls       int `json:"calls"` // admitted
	Suggestions int `json:"suggestions"`
	Records     int `json:"records"` // delivered
	Tokens      int `json:"tokens"`
	Renewals    int `json:"renewals"` // tokens that replaced an invalid one

	Work        float64 `json:"work_a_day"`      // challenges per agent and day
	Pictures    float64 `json:"pictures_a_day"`  // challenges per agent and day
	SawPicture  float64 `json:"saw_picture"`     // share of the agents that saw a picture
	Blocks      int     `json:"blocks"`          // blocks of addresses by the rules
	Blocked     int     `json:"blocked"`         // agents that met a block
	BlockedTime float64 `json:"blocked_minutes"` // mean of the agents that met a block
	Seconds     float64 `json:"work_seconds"`    // waiting for work, per agent and day
	CPU         float64 `json:"cpu_seconds"`     // processor time of all agents for challenges
	Hour        float64 `json:"corpus_hour"`     // maximum share of the corpus in an hour
	Day         float64 `json:"corpus_day"`      // maximum share of the corpus in a day
	Titles      int     `json:"titles"`          // new titles in suggestions
	Proofs      int     `json:"proofs"`          // maximum number of used proofs in memory
}

// tally counts during the simulation of a group.
type tally struct {
	Result
	agents         int
	work, pictures int // challenges
	blocks         int // by the rules
	waited, cpu    time.Duration
	saw            map[int]bool
	until          map[int]time.Duration // end of the last block that each agent met
	lost           time.Duration
	seen           []uint64                     // items that were delivered, one bit each
	hours          []int                        // items delivered for the first time, by hour
	second         time.Duration                // latest second of spent
	spent          [proofLife / time.Second]int // used proofs by second, modulo proofLife
}

func newTally(c Config) tally {
	return tally{saw: map[int]bool{}, until: map[int]time.Duration{},
		seen: make([]uint64, c.Corpus/64+2), hours: make([]int, 24*c.Days)}
}

// note counts the verdict of an event.
func (t *tally) note(who int, e tokens.Event, v tokens.Verdict) {
	if who == nobody {
		return
	}
	if c, ok := e.(*tokens.Call); ok && v.Outcome == tokens.Admit {
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

// meetBlock counts an agent that met a block, once for each block.
func (t *tally) meetBlock(who int, now, until time.Duration) {
	if who == nobody {
		return
	}
	if last, met := t.until[who]; !met || last != until {
		t.until[who] = until
		t.lost += until - now
	}
}

// wait counts the time and processor time of a challenge.
func (t *tally) wait(waited, cpu time.Duration) {
	t.waited += waited
	t.cpu += cpu
}

// take counts n items from first on that were delivered to a scraper.
func (t *tally) take(now time.Duration, first, n int) {
	for item := first; item < first+n; item++ {
		t.mark(now, item)
	}
}

// browse counts n items that were delivered to a person: the items of a subject. A few subjects are
// popular, and most are not.
func (w *world) browse(now time.Duration, n uint32) {
	subject := uint64(w.zipf(w.Corpus))
	for i := range uint64(n) {
		w.mark(now, int((subject*20+i)*0x9e3779b97f4a7c15>>16)%w.Corpus)
	}
}

// mark counts an item in the hour in which it was delivered first.
func (t *tally) mark(now time.Duration, item int) {
	word, bit := &t.seen[item/64], uint64(1)<<(item%64)
	if *word&bit == 0 {
		*word |= bit
		t.hours[now/time.Hour]++
	}
}

// result returns the result of the group.
func (w *world) result(k group) Result {
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
