package datadir

import (
	"context"
	"path/filepath"
	"time"

	"stile.example/stile/events"
	"stile.example/stile/events/watch"
	"stile.example/stile/settings"
	"stile.example/stile/store/tables/webhookdb"
	"stile.example/stile/tokens/issuers"
	"stile.example/stile/webhooks"
)

// openWebhooks opens what stores and notices events. Nothing is sent or noticed until both run.
func (d *Dir) openWebhooks(s *settings.Settings) (err error) {
	d.Webhooks, err = webhooks.New(webhooks.Config{
		Store: webhookdb.Table{DB: d.Store.DB}, ServerKey: d.Keys.SecretKey(), Targets: webhooks.Targets(s.WebhookTargets), Now: d.Now, Log: d.Log,
	})
	if err != nil {
		return err
	}
	var importing func(context.Context) (bool, error)
	if d.Nodes != nil {
		importing = d.importing
	}
	d.Watch = watch.New(watch.Config{
		Importing: importing,
		Outbox:    d.Webhooks, Now: d.Now, Log: d.Log, Tenants: d.Tenants, Used: d.used, Issuers: d.issuerStatuses,
		Addresses: d.Store, ShowAddress: d.ShowAddress, Corpus: func() string { return filepath.Base(d.Store.CorpusFile()) },
		ClosedSince: d.Statements.ClosedSince,
	})
	d.Addresses.OnProposal(d.Watch.Proposed)
	d.Statements.OnClosed = d.Watch.Closed
	return nil
}

// Emit stores an event for each webhook that wants it, unless its mark says that it was reported.
// It returns once that is durable. The running server sends it, or the next one.
func (d *Dir) Emit(ctx context.Context, e events.Event) error {
	_, err := d.Webhooks.Emit(ctx, e)
	return err
}

func (d *Dir) used(tenant uint32, month time.Time) int64 { return d.Meter.Used(tenant, month) }

func (d *Dir) issuerStatuses() []issuers.Status {
	all := make([]issuers.Status, len(d.ExternalKeys))
	for i, k := range d.ExternalKeys {
		all[i] = k.Status()
	}
	return all
}
