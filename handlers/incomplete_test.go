package handlers

import (
	"context"
	"testing"

	"stile.example/stile/content"
)

// hasty is content that does not have the time to count.
type hasty struct{ *corpus }

func (h hasty) Search(ctx context.Context, q content.Query) (content.Page, error) {
	p, err := h.corpus.Search(ctx, q)
	p.Facets, p.Incomplete = map[string][]content.FacetValue{}, []string{"total", "facets"}
	return p, err
}

func TestS54IncompleteIsNamed(t *testing.T) {
	s := newSite(t)
	s.Content = hasty{s.corpus}
	s.handler = s.Routes()
	got := s.get("/v1/items?facets=tag", s.mint())
	s.check(got, 200, "application/json", `{"data":[`+oneItem+`,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt","facets":{},"incomplete":["total","facets"],`+fresh+`}}`, "")
}
