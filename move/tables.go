package move

// plan says what is done with a table.
type plan struct {
	name string
	// rows says where the rows of the target come from.
	rows rowsFrom
	// why says why the rows are not copied as they are.
	why string
	// part is the name of the table for operators; "" means its own name.
	part string
	// isAboutRequests says that texts come from requests, and may be anything.
	isAboutRequests bool
}

// rowsFrom says where the rows of a table come from.
type rowsFrom int

const (
	copied    rowsFrom = iota // all columns as they are, and nothing else
	converted                 // by code of its own: see states.go, corpus.go
	madeByIt                  // the target makes them itself
)

// plans has all tables of both stores, in the order in which they are copied: a row must come after
// those that it refers to, and a statement after its lines.
//
// A table that is missing here fails a test, and so does a column that only one store has.
var plans = []plan{
	{name: "tenants"},
	{name: "identity"},
	{name: "admins"},
	{name: "admin_tokens", part: "admins' tokens"},
	{name: "admin_sessions", part: "sessions"},
	{name: "admin_passkeys", part: "passkeys"},
	{name: "audit", part: "audit log"},
	{name: "audit_head", part: "seal of the audit log"},
	{name: "address_list", part: "address list"},
	{name: "refusals", isAboutRequests: true},
	{name: "history", isAboutRequests: true},
	{name: "evidence", isAboutRequests: true},
	{name: "statement_lines", part: "statement lines"},
	{name: "statements"},
	{name: "closed_months", part: "closed months"},
	{name: "webhooks"},
	{name: "events"},
	{name: "deliveries"},
	{name: "event_marks", part: "marks of events"},
	{name: "links"},
	{name: "idempotency", part: "repeatable requests"},
	{name: "ledger"},

	{name: "ledger_days", rows: madeByIt, why: "triggers compute it from the ledger"},
	{name: "ready", rows: madeByIt, why: "it is written to check whether writing works"},
	{name: "migrations", rows: madeByIt, why: "each store has its own steps, and both must have all of them"},
	{name: "token_usage", rows: madeByIt, why: "it is the sum of the tokens' states"},
	{name: "journal", rows: converted, why: "it has the newest states of tokens"},
	{name: "tokens", rows: converted, why: "the states of tokens are in the engine of the setting state"},
	{name: "scopes", rows: converted, why: "the states of addresses are in the engine of the setting state"},
	{name: "corpus", rows: converted, why: "the corpus is published as a generation"},
	{name: "corpus_present", rows: converted, why: "the corpus is published as a generation"},
	{name: "corpus_generations", rows: converted, why: "the corpus is published as a generation"},
	{name: "corpus_chunks", rows: converted, why: "the corpus is published as a generation"},
	{name: "states", rows: converted, why: "it is the engine of states, if state is store"},
	{name: "states_spent", rows: converted, why: "used proofs are in the memory of a single server"},
	{name: "states_lost", rows: madeByIt, why: "the source has lost no states"},
	{name: "states_engine", rows: madeByIt, why: "it is the engine of the target"},
	{name: "sealed", rows: converted, why: "it has the keys, which are in a file of the data directory"},
	{name: "nodes", rows: madeByIt, why: "nodes register when they start"},
	{name: "changes", rows: madeByIt, why: "it counts changes, for running nodes"},
	{name: "leases", rows: madeByIt, why: "running nodes take them"},
	{name: "blocks", rows: madeByIt, why: "running nodes inform each other; the blocks are in the states of addresses"},
}

// planOf returns the plan of a table.
func planOf(name string) (plan, bool) {
	for _, p := range plans {
		if p.name == name {
			return p, true
		}
	}
	return plan{}, false
}

// title returns the name of a table for operators.
func (p plan) title() string {
	if p.part != "" {
		return p.part
	}
	return p.name
}
