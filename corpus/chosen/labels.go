package chosen

import (
	"context"

	"stile.example/stile/content/labels"
	"stile.example/stile/corpus/cache"
)

// maxCached bounds the labels in memory, in bytes.
const maxCached = 16 << 20

// Labels caches the labels of a file that never changes. It is safe for concurrent use.
type Labels struct {
	of cache.Results[uint32, labels.Labels] // by owner
}

// NewLabels returns an empty cache.
func NewLabels() *Labels {
	var c Labels
	c.of.Init(maxCached)
	return &c
}

// In returns the labels that a tenant sees in a language, encoded, or nil if there are none: the
// shared ones, and over them the tenant's own.
func (c *Labels) In(
	ctx context.Context, db Reader, tenant uint32, language string,
) ([]byte, error) {
	shared, err := c.owned(ctx, db, 0)
	if err != nil {
		return nil, err
	}
	of, exists := shared.In(language)
	if tenant != 0 {
		own, err := c.owned(ctx, db, tenant)
		if err != nil {
			return nil, err
		}
		if over, ok := own.In(language); ok {
			of, exists = of.With(over), true
		}
	}
	if !exists {
		return nil, nil
	}
	return of.Encode()
}

func (c *Labels) owned(ctx context.Context, db Reader, owner uint32) (labels.Labels, error) {
	if l, ok := c.of.Find(owner); ok {
		return l, nil
	}
	o, err := Read(ctx, db, owner)
	if err != nil {
		return nil, err
	}
	c.of.Keep(owner, o.Labels, o.Labels.Size())
	return o.Labels, nil
}
