package corpus

import (
	"stile.example/stile/content"
	"stile.example/stile/corpus/paging"
)

func cursorAt(q content.Query, m match) string {
	return paging.At(q, paging.Position{Item: m.item, Rank: m.rank, Date: m.date, Title: m.title})
}

// parseCursor returns the position after which a page begins, or nil for the first page.
func parseCursor(q content.Query) (*match, error) {
	at, err := paging.Parse(q)
	if at == nil {
		return nil, err
	}
	return &match{at.Item, at.Rank, at.Date, at.Title}, nil
}
