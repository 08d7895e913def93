package simulate

import "fmt"

// Goal is something that the rules must hold, and what was seen of it.
type Goal struct {
	Goal string `json:"goal"`
	Seen string `json:"seen"`
	Held bool   `json:"held"`
}

// Goals judges the groups that were played by what the rules are for. A scraper
// that solves work is not judged: its price stands in the report.
func (r Report) Goals() (goals []Goal) {
	for _, g := range r.Groups {
		switch g.Name {
		case "office":
			goals = append(goals, Goal{"behind one address nobody is blocked, and under 1 % see a picture",
				fmt.Sprintf("%d of %d blocked, %s saw a picture", g.Blocked, g.Agents, percent(g.SawPicture)), g.Blocked == 0 && g.SawPicture < 0.01})
		case "home", "phones", "class", "hostile":
			goals = append(goals, Goal{g.Name + ": nobody is blocked, and nobody sees a picture",
				fmt.Sprintf("%d of %d blocked, %s saw a picture", g.Blocked, g.Agents, percent(g.SawPicture)), g.Blocked == 0 && g.SawPicture == 0})
		case "one", "tokens":
			goals = append(goals, share(g, "a scraper with one address", 0.02))
		case "fifty":
			goals = append(goals, share(g, "a scraper with 50 addresses", 0.2))
		case "network":
			goals = append(goals, share(g, "a scraper with a /48", 0.2))
		case "titles":
			goals = append(goals, Goal{"suggestions show one address at most 500 titles a day (5 % of 10,000) before it solves something",
				fmt.Sprintf("%d a day", g.Titles/r.Days), g.Titles <= 500*r.Days})
		case "proofs":
			goals = append(goals, Goal{fmt.Sprintf("64 addresses that flood with keys fill under 10 %% of the memory of used proofs (%d places)", proofPlaces),
				fmt.Sprintf("%d proofs at once, %s", g.Proofs, percent(float64(g.Proofs)/proofPlaces)), g.Proofs < proofPlaces/10})
		}
	}
	return goals
}

// proofPlaces is how many proofs the server remembers at once: see tokens/proof.
const proofPlaces = 1 << 21

func share(g Result, who string, limit float64) Goal {
	return Goal{fmt.Sprintf("%s (%s) gets under %.0f %% of the corpus a day", who, g.Name, 100*limit), percent(g.Day), g.Day < limit}
}
