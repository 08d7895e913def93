package tenantpages

import (
	"fmt"
	"time"

	"stile.example/stile/console/frame"
)

// Own is what one tenant used, as its own view shows it.
type Own struct {
	Total          []frame.Card
	Chart          frame.Drawing
	ByRoute, ByDay frame.Table
}

// OwnUsage returns what a tenant used in the last days, with the operation usage.
func OwnUsage(r *frame.Request, clientID string, daysBack int) (Own, error) {
	to := r.Now().UTC().Truncate(24 * time.Hour)
	from := to.AddDate(0, 0, 1-daysBack)
	all, err := readUsage(r, clientID, from, to)
	if err != nil {
		return Own{}, err
	}
	one := len(all.currencies()) < 2
	cards := total(all)
	for i := range cards {
		cards[i].Label += fmt.Sprintf(", %d days", daysBack)
	}
	o := Own{cards, all.byDay("Calls by day", from, to), table("By route", "Route", all.by(func(r row) string { return r.Route }), one, frame.Code),
		table("By day", "Day (UTC)", days(all), one, frame.Text)}
	o.ByRoute.Empty = &frame.Empty{Title: "No calls yet", Text: "Each admitted call is counted here, once."}
	return o, nil
}
