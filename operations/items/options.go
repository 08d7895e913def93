package items

import (
	"context"

	"stile.example/stile/content/labels"
	"stile.example/stile/corpus/synonyms"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/lookup"
)

// Options is what was chosen at import for all items of an owner.
type Options struct {
	Searchable []string        `json:"searchable"` // names of attributes
	Synonyms   synonyms.Groups `json:"synonyms"`
	Labels     labels.Labels   `json:"labels"`
	URL        string          `json:"url"` // empty: items without a URL get none
}

// ShowOptions implements `content options`.
func ShowOptions(ctx context.Context, d *datadir.Dir, q Owner) (v Options, err error) {
	tenant, err := lookup.Number(d, q.Tenant)
	if err != nil {
		return v, err
	}
	o, err := d.Store.Options(ctx, tenant)
	if err != nil {
		return v, err
	}
	v = Options{Searchable: o.Searchable, Labels: o.Labels, URL: o.URL}
	if v.Synonyms, err = synonyms.Parse("synonyms", o.Synonyms); err != nil {
		return v, err
	}
	if v.Searchable == nil {
		v.Searchable = []string{}
	}
	if v.Synonyms == nil {
		v.Synonyms = synonyms.Groups{}
	}
	if v.Labels == nil {
		v.Labels = labels.Labels{}
	}
	return v, nil
}
