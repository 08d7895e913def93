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

// forgiving is content that answers another query than was sent.
type forgiving struct{ *corpus }

func (f forgiving) Search(ctx context.Context, q content.Query) (content.Page, error) {
	p, err := f.corpus.Search(ctx, q)
	p.Ignored, p.Relaxed = []string{"the"}, true
	if !q.Exact {
		p.Corrected = [][2]string{{"recipie", "recipe"}}
	}
	return p, err
}

func TestForgivenIsNamed(t *testing.T) {
	s := newSite(t)
	s.Content = forgiving{s.corpus}
	s.handler = s.Routes()
	got := s.get("/v1/items", s.mint())
	s.check(got, 200, "application/json", `{"data":[`+oneItem+`,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt","corrected":[["recipie","recipe"]],"ignored":["the"],"relaxed":true,"full":0,`+fresh+`}}`, "")
	got = s.get("/v1/items?exact=1", s.mint())
	s.check(got, 200, "application/json", `{"data":[`+oneItem+`,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt","ignored":["the"],"relaxed":true,"full":0,`+fresh+`}}`, "")
}

func TestS54IncompleteIsNamed(t *testing.T) {
	s := newSite(t)
	s.Content = hasty{s.corpus}
	s.handler = s.Routes()
	got := s.get("/v1/items?facets=tag", s.mint())
	s.check(got, 200, "application/json", `{"data":[`+oneItem+`,{"id":"two","title":"Two"}],"meta":{"total":7,"next":"n\u003cxt","facets":{},"incomplete":["total","facets"],`+fresh+`}}`, "")
}
