package operations

import (
	"context"
	"encoding/json"

	"stile.example/stile/audit"
	"stile.example/stile/datadir"
)

// RecordExport records in the audit log that somebody is about to get all rows that an operation
// reads, in a format. A token in the input is not recorded.
func (o Operation) RecordExport(ctx context.Context, d *datadir.Dir, by Actor, format string, in json.RawMessage) error {
	filter := map[string]json.RawMessage{}
	if err := json.Unmarshal(in, &filter); err != nil {
		return err
	}
	delete(filter, "token")
	after, err := json.Marshal(struct {
		Format string                     `json:"format"`
		Filter map[string]json.RawMessage `json:"filter"`
	}{format, filter})
	if err != nil {
		return err
	}
	_, err = d.Audit.Record(ctx, audit.Entry{
		At: d.Now(), Actor: by.Name, Role: string(by.Role), Credential: by.Credential, Address: by.Address,
		Operation: o.Name, Subject: "export", After: after,
	})
	return err
}
