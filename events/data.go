package events

import "time"

// Quota is the data of [TenantQuota].
type Quota struct {
	Tenant        string `json:"tenant"`
	Month         string `json:"month"`     // YYYY-MM, UTC
	Threshold     int    `json:"threshold"` // percent of the quota: 50, 75 or 100
	Calls         int64  `json:"calls"`     // used in the month, when the event was noticed
	CallsPerMonth int64  `json:"calls_per_month"`
}

// TenantStatus is the data of [TenantSuspended] and [TenantResumed].
type TenantStatus struct {
	Tenant string `json:"tenant"`
	Name   string `json:"name"`
	Status string `json:"status"` // suspended or active
}

// Proposal is the data of [AddressProposed].
type Proposal struct {
	Address      string    `json:"address"` // as the setting log_addresses says
	Tenant       string    `json:"tenant"`  // client_id of the tenant whose tokens it is about
	Blocks       int       `json:"blocks"`  // of the last length so far
	BlockedUntil time.Time `json:"blocked_until"`
}

// Issuer is the data of [IssuerUnreachable] and [IssuerRecovered].
type Issuer struct {
	Issuer string    `json:"issuer"`
	Since  time.Time `json:"since"`           // of the first fetch that failed
	Error  string    `json:"error,omitempty"` // of the last fetch that failed
	// When tokens of the issuer are refused, unless the keys can be fetched before. Missing: they
	// are refused already.
	KeysUntil *time.Time `json:"keys_until,omitempty"`
}

// Import is the data of [ImportFinished].
type Import struct {
	Tenant string `json:"tenant"` // "": the shared corpus
	// Null: the process ended between the import and the event.
	Result *ImportResult `json:"result"`
}

// ImportResult is what an import changed, in items.
type ImportResult struct {
	Added     int `json:"added"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"`
}

// ImportFailure is the data of [ImportFailed]. The corpus is as it was before.
type ImportFailure struct {
	Tenant  string `json:"tenant"` // "": the shared corpus
	Reason  string `json:"reason"` // invalid, unconfirmed, busy, cancelled, interrupted or error
	Message string `json:"message"`
}

// Statement is the data of [StatementClosed].
type Statement struct {
	Tenant   string `json:"tenant"`
	Month    string `json:"month"` // YYYY-MM, UTC
	Calls    int64  `json:"calls"`
	Records  int64  `json:"records"`
	Amount   string `json:"amount"` // a decimal
	Currency string `json:"currency"`
}

// Test is the data of [WebhookTest].
type Test struct {
	Webhook string `json:"webhook"`
	Message string `json:"message"`
}

var exampleTime = time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)

func exampleAt(t time.Time) *time.Time { return &t }

var kinds = []Kind{
	{TenantQuota, "a tenant has used 50, 75 or 100 % of its quota, once for each",
		Quota{"acme", "2026-11", 75, 75_000, 100_000}},
	{TenantSuspended, "a tenant was suspended",
		TenantStatus{"acme", "Acme Ltd", "suspended"}},
	{TenantResumed, "a suspended tenant was resumed",
		TenantStatus{"acme", "Acme Ltd", "active"}},
	{AddressProposed, "an address was blocked so often that an operator should decide about a permanent block",
		Proposal{"198.51.100.0/24", "acme", 1, exampleTime.Add(7 * 24 * time.Hour)}},
	{IssuerUnreachable, "the keys of an external issuer could not be fetched for 5 minutes",
		Issuer{"https://id.example/realms/demo", exampleTime.Add(-5 * time.Minute), "connection refused", exampleAt(exampleTime.Add(23 * time.Hour))}},
	{IssuerRecovered, "the keys of such an issuer were fetched again",
		Issuer{Issuer: "https://id.example/realms/demo", Since: exampleTime.Add(-40 * time.Minute)}},
	{ImportFinished, "an import has published its items",
		Import{"", &ImportResult{120, 14, 9_866, 3}}},
	{ImportFailed, "an import has changed nothing, because of an error",
		ImportFailure{"", "interrupted", "the process ended during the import"}},
	{StatementClosed, "the statement of a month was closed",
		Statement{"acme", "2026-10", 81_204, 402_115, "162.408", "EUR"}},
}
