package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stile.example/stile/content"
	"stile.example/stile/datadir"
	"stile.example/stile/settings"
	"stile.example/stile/static"
)

// CheckDemoData returns an error if the data directory has tenants or items that the demo did not
// make. The demo adds a tenant with a printed secret and 282 shared items, which a publisher's own
// directory must never get. It must be called before the server opens the directory, and changes
// nothing in it.
func CheckDemoData(ctx context.Context, s *settings.Settings, now func() time.Time, log *slog.Logger) (err error) {
	d, err := datadir.OpenExisting(ctx, s, now, log)
	if errors.Is(err, datadir.ErrNoData) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	own, err := notOfDemo(ctx, d)
	if err != nil || own == "" {
		return err
	}
	return fmt.Errorf("%s has %s, which the demo did not make: the demo must not change it. Start the demo with another data directory, such as --data ./demo-data", s.Data, own)
}

// notOfDemo names what an open directory has that the demo did not make, or returns "".
func notOfDemo(ctx context.Context, d *datadir.Dir) (string, error) {
	for _, t := range d.Tenants.List() {
		if t.ClientID != demoTenantID || t.Name != demoTenantName {
			return "the tenant " + t.ClientID, nil
		}
	}
	stats, err := d.Store.Stats(ctx)
	if err != nil {
		return "", err
	}
	items := stats.Items
	for dec := json.NewDecoder(static.DemoCorpus("")); dec.More() && items > 0; {
		var want content.Item
		if err := dec.Decode(&want); err != nil {
			return "", fmt.Errorf("read the demo corpus: %w", err)
		}
		same, err := hasItem(ctx, d, want)
		if err != nil {
			return "", err
		}
		if same {
			items--
		}
	}
	switch items {
	case 0:
		return "", nil
	case 1:
		return "an item", nil
	}
	return fmt.Sprintf("%d items", items), nil
}

// hasItem reports whether the shared corpus has an item with the id, collection and title of want.
func hasItem(ctx context.Context, d *datadir.Dir, want content.Item) (bool, error) {
	encoded, err := d.Store.Item(ctx, 0, want.ID)
	if errors.Is(err, content.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	it, err := content.DecodeItem(encoded)
	return err == nil && it.Collection == want.Collection && it.Title == want.Title, err
}
