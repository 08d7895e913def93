package simulate

import "fmt"

// Goal is something that the rules must achieve, and what was measured.
type Goal struct {
	Goal string `json:"goal"`
	Seen string `json:"seen"`
	Held bool   `json:"held"`
}

// Goals returns the goals of the groups in the report. Scrapers that solve work have no goal; the
// report shows what the work costs them.
func (r Report) Goals() (goals []Goal) {
	for _, g := range r.Groups {
		switch g.Name {
		case "office":
			goals = append(goals, Goal{"office: nobody is blocked, and under 1 % see a picture",
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
			goals = append(goals, Goal{"titles: suggestions show an address at most 500 titles a day (5 % of 10,000) without a challenge solved",
				fmt.Sprintf("%d a day", g.Titles/r.Days), g.Titles <= 500*r.Days})
		case "proofs":
			goals = append(goals, Goal{fmt.Sprintf("proofs: a flood from 64 addresses fills under 10 %% of the memory of used proofs (%d proofs)", maxProofs),
				fmt.Sprintf("at most %d proofs, %s", g.Proofs, percent(float64(g.Proofs)/maxProofs)), g.Proofs < maxProofs/10})
		}
	}
	return goals
}

// maxProofs is how many used proofs the server stores: see tokens/proof.
const maxProofs = 1 << 21

// share returns the goal that a scraper gets less than a share of the corpus a day.
func share(g Result, who string, limit float64) Goal {
	return Goal{fmt.Sprintf("%s: %s gets under %.0f %% of the corpus a day", g.Name, who, 100*limit), percent(g.Day), g.Day < limit}
}
