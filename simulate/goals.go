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
		case "home", "phones", "class":
			goals = append(goals, Goal{g.Name + ": nobody is blocked, and nobody sees a picture",
				fmt.Sprintf("%d of %d blocked, %s saw a picture", g.Blocked, g.Agents, percent(g.SawPicture)), g.Blocked == 0 && g.SawPicture == 0})
		case "one", "tokens":
			goals = append(goals, share(g, "a scraper with one address", 0.02))
		case "fifty":
			goals = append(goals, share(g, "a scraper with 50 addresses", 0.2))
		}
	}
	return goals
}

func share(g Result, who string, limit float64) Goal {
	return Goal{fmt.Sprintf("%s (%s) gets under %.0f %% of the corpus a day", who, g.Name, 100*limit), percent(g.Day), g.Day < limit}
}
