package operations

import (
	"context"

	"stile.example/stile/content/labels"
	"stile.example/stile/corpus/synonyms"
	"stile.example/stile/datadir"
	"stile.example/stile/operations/lookup"
)

// OwnerName names the owner of items.
type OwnerName struct {
	Tenant string `json:"tenant,omitempty"` // client_id; empty: the shared corpus
}

// ContentOptions is what was chosen at import for all items of an owner.
type ContentOptions struct {
	Searchable []string        `json:"searchable"` // names of attributes
	Synonyms   synonyms.Groups `json:"synonyms"`
	Labels     labels.Labels   `json:"labels"`
	URL        string          `json:"url"` // empty: items without a URL get none
}

func showOptions(ctx context.Context, d *datadir.Dir, q OwnerName) (v ContentOptions, err error) {
	tenant, err := lookup.Number(d, q.Tenant)
	if err != nil {
		return v, err
	}
	o, err := d.Store.Options(ctx, tenant)
	if err != nil {
		return v, err
	}
	v = ContentOptions{Searchable: o.Searchable, Labels: o.Labels, URL: o.URL}
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
