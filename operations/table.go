package operations

import (
	"slices"

	"stile.example/stile/operations/auditing"
	"stile.example/stile/operations/check"
	"stile.example/stile/operations/items"
	"stile.example/stile/operations/keys"
	"stile.example/stile/operations/lists"
	"stile.example/stile/operations/nodelist"
	"stile.example/stile/operations/overview"
	"stile.example/stile/operations/policies"
	"stile.example/stile/operations/statements"
	"stile.example/stile/operations/webhooks"
	"stile.example/stile/tenants"
)

// table has every operation, in the order of the command line's help.
var table = slices.Concat(tenantOps, contentOps, tokenOps, addressOps, policyOps, refusalOps, usageOps, statementOps, keyOps, accountOps, auditOps, webhookOps, upkeepOps, doctorOps, overviewOps)

var tenantOps = []Operation{
	changes(plain("tenant add", Operator, "add a tenant and print its secret",
		`{"client_id":"acme","name":"Acme Ltd","sites":["https://www.acme.example"],"prices":[{"since":"2026-11-01","micros":2000}]}`, AddTenant),
		"added a tenant", TenantChange.about, tenantState).
		at("POST /tenants").creates().previewed(of(wouldAddTenant)).versioned(tenantVersion),
	plain("tenant list", Viewer, "list the tenants", `{"q":"acme","status":"active"}`, listTenants).at("GET /tenants").keyed("client_id"),
	plain("tenant show", Viewer, "show one tenant", `{"client_id":"acme"}`, showTenant).at("GET /tenants/{client_id}").versioned(tenantVersion),
	changes(plain("tenant set", Operator, "change a tenant",
		`{"client_id":"acme","calls_per_month":100000,"policy":{"policy.token.calls":"500"}}`, SetTenant),
		"changed a tenant", TenantChange.about, tenantState).
		at("PATCH /tenants/{client_id}").previewed(of(wouldSetTenant)).versioned(tenantVersion),
	changes(plain("tenant suspend", Operator, "refuse a tenant's calls until it is resumed", `{"client_id":"acme"}`, suspendTenant),
		"suspended a tenant", TenantName.about, tenantState).
		at("POST /tenants/{client_id}/suspend").previewed(of(wouldSet(tenants.Suspended))).versioned(tenantVersion),
	changes(plain("tenant resume", Operator, "admit a suspended tenant's calls again", `{"client_id":"acme"}`, ResumeTenant),
		"resumed a tenant", TenantName.about, tenantState).
		at("POST /tenants/{client_id}/resume").previewed(of(wouldSet(tenants.Active))).versioned(tenantVersion),
	changes(plain("tenant rotate-secret", Operator, "give a tenant a new secret and print it", `{"client_id":"acme","overlap":"24h"}`, RotateSecret),
		"gave a tenant a new secret", SecretRotation.about, secretState).
		at("POST /tenants/{client_id}/secret").creates().previewed(of(wouldRotateSecret)).versioned(tenantVersion),
	changes(plain("tenant remove", Operator, "remove a tenant and its own items", `{"client_id":"acme"}`, removeTenant),
		"removed a tenant", TenantName.about, tenantState).
		at("DELETE /tenants/{client_id}").previewed(of(wouldRemoveTenant)).versioned(tenantVersion),
}

var contentOps = []Operation{
	dryIf(changes(itemsIn("content import", Operator, "import items, all or none", `{"tenant":"acme","prune":true,"dry_run":true,"options":{"searchable":["capital","codes"],"url":"https://publisher.example/{id}"}}`, importItems),
		"imported items", ImportOptions.about, nil).withResult(), ImportOptions.isDry).
		at("POST /content/import").previewed(wouldImport).versioned(corpusVersion).pinned(items.AtVersion),
	plain("content options", Viewer, "show what is chosen at import for all items", `{"tenant":"acme"}`, items.ShowOptions).at("GET /content/options").versioned(corpusVersion),
	plain("content list", Viewer, "list items", `{"collection":"recipes","after":"bread","limit":100}`, listItems).
		at("GET /content").versioned(corpusVersion),
	plain("content collections", Viewer, "list collections, and show the last change", `{"tenant":"acme"}`, items.ShowCollections).
		at("GET /content/collections").versioned(corpusVersion),
	plain("content search", Viewer, "search as a tenant sees the corpus, uncounted", `{"tenant":"acme","q":"island","limit":10}`, items.Search).
		at("GET /content/search").limited(50, 20),
	plain("content show", Viewer, "show one item in full", `{"id":"iceland"}`, showItem).at("GET /content/items/{id}").versioned(corpusVersion),
	changes(plain("content remove", Operator, "remove items, or a collection", `{"ids":["iceland","greenland"]}`, removeItems),
		"removed items", ItemNames.about, nil).withResult().
		at("POST /content/remove").previewed(of(wouldRemoveItems)).versioned(corpusVersion).pinned(items.AtVersion),
	changes(plain("content undo", Operator, "undo the last change of the corpus", `{"generation":12}`, items.Undo),
		"undid the last change of the corpus", items.UndoRequest.About, nil).withResult().
		at("POST /content/undo").previewed(of(items.WouldUndo)).versioned(corpusVersion).pinned(items.AtVersion),
	bytesOut("content export", Viewer, "export items as JSON lines", `{"collection":"recipes"}`, exportItems).at("GET /content/export").writes("application/x-ndjson"),
}

var tokenOps = []Operation{
	changes(plain("token issue", Operator, "issue a token for a tenant", `{"tenant":"acme","subject":"support-4711","scope":"content"}`, issueToken),
		"issued a token", TokenRequest.about, nil).
		at("POST /tokens").creates().previewed(of(wouldIssue)),
	plain("token list", Viewer, "list the tokens that have made a call", `{"tenant":"acme","state":"live","limit":50}`, lists.Tokens).
		at("GET /tokens"),
	plain("token show", Viewer, "show the state of a token", `{"token":"C5-sbF16Tw4LnyxsXXpPDg"}`, showToken).at("GET /tokens/{token}").versioned(tokenVersion),
	changes[TokenName](plain("token revoke", Operator, "revoke a token permanently", `{"token":"C5-sbF16Tw4LnyxsXXpPDg"}`, revokeToken),
		"revoked a token", nil, nil).withResult().
		at("POST /tokens/revoke").previewed(of(wouldRevoke)).versioned(tokenVersion),
}

var addressOps = []Operation{
	plain("address list", Viewer, "list the ranges that are allowed, blocked or crowded", `{"kind":"block","limit":50}`, lists.Addresses).
		at("GET /addresses"),
	plain("address proposals", Viewer, "list addresses that were blocked repeatedly, for you to decide", `{"limit":50}`, lists.Proposals).
		at("GET /addresses/proposals"),
	plain("address show", Viewer, "show what is known about an address", `{"address":"198.51.100.7"}`, lists.ShowAddress).
		at("GET /addresses/known/{address}").versioned(addressVersion),
	changes(plain("address allow", Operator, "exempt a range from the rules",
		`{"range":"203.0.113.0/24","bindings":5000,"reason":"University of X"}`, allowRange),
		"allowed a range", RangeAllowance.about, rangeState[RangeAllowance]).
		at("PUT /addresses/allowed/{range...}").previewed(of(wouldAllow)).versioned(rangeVersion),
	changes(plain("address block", Operator, "refuse all calls from a range", `{"range":"198.51.100.7","for":"24h"}`, blockRange),
		"blocked a range", RangeBlock.about, rangeState[RangeBlock]).
		at("PUT /addresses/blocked/{range...}").previewed(of(wouldBlock)).versioned(rangeVersion),
	changes(plain("address keep", Operator, "make a rule's block permanent", `{"range":"198.51.100.7/32","reason":"scrapes the corpus"}`, keepBlock),
		"made a rule's block permanent", lists.RangeKeep.About, keptState).
		at("POST /addresses/keep").previewed(of(wouldKeep)).versioned(rangeVersion),
	changes(plain("address remove", Operator, "remove a range from the list and reset its counts", `{"range":"198.51.100.7"}`, removeRange),
		"removed a range", RangeName.about, rangeState[RangeName]).
		at("DELETE /addresses/{range...}").previewed(of(wouldRemoveRange)).versioned(rangeVersion),
}

var refusalOps = []Operation{
	plain("refusal list", Viewer, "list refusals, the newest first", `{"tenant":"acme","code":"token_hijacked","limit":50}`, lists.Refusals).at("GET /refusals"),
}

var overviewOps = []Operation{
	plain("nodes", Viewer, "list the nodes that share a database", `{}`, nodelist.List).at("GET /nodes").keyed("number"),
	plain("overview show", Viewer, "show what the server did recently, next to the period before", `{"period":"day","tenant":"acme"}`, overview.Show).
		at("GET /overview"),
}

var policyOps = []Operation{
	plain("policy show", Viewer, "show the settings of the policy", `{"name":"policy.token.calls","tenant":"acme"}`, policies.Show).
		at("GET /policy").keyed("name"),
	plain("policy compare", Viewer, "compare the policy with a change, on simulated traffic", `{"policy":{"policy.spike.calls":"30"},"groups":["class"]}`, policies.Compare).
		at("GET /policy/compare").keyed("group"),
}

var usageOps = []Operation{
	plain("explain", Viewer, "explain why a call was refused", `{"ref":"7QK2-M4TD"}`, lists.Explain).at("GET /refusals/{ref}"),
	plain("usage", Viewer, "print what tenants used and what it costs", `{"tenant":"acme","from":"2026-11-01","to":"2026-11-30"}`, statements.ReadUsage).
		at("GET /usage").keyed("tenant", "day", "route"),
}

var statementOps = []Operation{
	plain("statement list", Viewer, "list the statements of closed months", `{"tenant":"acme","limit":50}`, statements.List).
		at("GET /statements").versioned(seen(statements.Version)),
	plain("statement show", Viewer, "show a tenant's statement, or a preliminary one", `{"tenant":"acme","month":"2026-11"}`, statements.Show).
		at("GET /statements/{tenant}/{month}"),
	bytesOut("statement export", Viewer, "write a closed statement to a file", `{"tenant":"acme","month":"2026-11","format":"html"}`, statements.Write).
		at("GET /statements/{tenant}/{month}/export").writesBy(statements.MediaTypes()),
	plain("statement prove", Viewer, "prove that a ledger line is in a statement", `{"tenant":"acme","month":"2026-11","line":1}`, statements.Prove).
		at("GET /statements/{tenant}/{month}/proof"),
	plain("statement key", Viewer, "show the public keys that verify statements", `{}`, statements.Keys).
		at("GET /statements/keys"),
	changes[statements.None](plain("statement close", Operator, "close the months that are due", `{}`, statements.Close),
		"closed months", nil, nil).withResult().
		at("POST /statements/close").previewed(of(statements.WouldClose)).versioned(seen(statements.Version)),
}

var keyOps = []Operation{
	plain("key list", Viewer, "list the signing keys", `{}`, keys.List).at("GET /keys").keyed("kid").versioned(seen(keys.Version)),
	changes[KeyRotation](plain("key rotate", Owner, "sign with a new key from now on", `{"alg":"EdDSA"}`, keys.Rotate),
		"rotated the signing key", nil, nil).withResult().
		at("POST /keys").creates().previewed(of(keys.WouldRotate)).versioned(seen(keys.Version)),
	changes(plain("key reencrypt", Owner, "encrypt the keys in PostgreSQL with another key", `{}`, keys.Reencrypt),
		"encrypted the keys in PostgreSQL again", func(keys.None) string { return "" }, nil).withResult().
		at("POST /keys/reencrypt").previewed(of(keys.WouldReencrypt)),
	plain("issuer list", Viewer, "list the external issuers and their keys", `{}`, keys.Issuers).
		at("GET /issuers").keyed("issuer").versioned(seen(keys.IssuersVersion)),
	changes(plain("issuer refresh", Operator, "fetch the keys of external issuers now", `{"issuer":"https://id.example/realms/demo"}`, keys.Refresh),
		"fetched the keys of external issuers", IssuerRefresh.About, nil).
		at("POST /issuers/refresh").keyed("issuer").previewed(of(keys.WouldRefresh)).versioned(seen(keys.IssuersVersion)),
}

var auditOps = []Operation{
	plain("audit list", Viewer, "list who changed what, and when", `{"operation":"tenant","limit":50}`, auditing.List).at("GET /audit"),
	plain("audit verify", Viewer, "check that the audit log was not changed", `{"head":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`, auditing.Verify).at("GET /audit/verify"),
}

var webhookOps = []Operation{
	changes(plain("webhook add", Operator, "send events to a URL, and print the secret that signs them",
		`{"url":"https://ops.example/stile","events":["tenant.quota","import.failed"],"tenant":"acme"}`, webhooks.Add),
		"added a webhook", func(a webhooks.Addition) string { return a.Shown() }, nil).
		at("POST /webhooks").creates().previewed(of(webhooks.WouldAdd)),
	plain("webhook list", Viewer, "list the webhooks", `{}`, webhooks.List).at("GET /webhooks").keyed("id").versioned(webhookVersion),
	plain("webhook show", Viewer, "show one webhook", `{"id":"whk_4kz2m7q1v8xa"}`, webhooks.Show).at("GET /webhooks/{id}").versioned(webhookVersion),
	changes(plain("webhook set", Operator, "change, enable or disable a webhook", `{"id":"whk_4kz2m7q1v8xa","enabled":true}`, webhooks.Set),
		"changed a webhook", webhooks.Change.About, webhooks.State[webhooks.Change]).
		at("PATCH /webhooks/{id}").previewed(of(webhooks.WouldSet)).versioned(webhookVersion),
	changes(plain("webhook remove", Operator, "remove a webhook and its deliveries", `{"id":"whk_4kz2m7q1v8xa"}`, webhooks.Remove),
		"removed a webhook", webhooks.Name.About, webhooks.State[webhooks.Name]).
		at("DELETE /webhooks/{id}").previewed(of(webhooks.WouldRemove)).versioned(webhookVersion),
	changes(plain("webhook rotate-secret", Operator, "give a webhook a new secret and print it", `{"id":"whk_4kz2m7q1v8xa","overlap_seconds":86400}`, webhooks.RotateSecret),
		"gave a webhook a new secret", webhooks.Rotation.About, webhooks.State[webhooks.Rotation]).
		at("POST /webhooks/{id}/secret").creates().previewed(of(webhooks.WouldRotate)).versioned(webhookVersion),
	changes(plain("webhook test", Operator, "send a test event now, and print the response", `{"id":"whk_4kz2m7q1v8xa"}`, webhooks.Test),
		"tested a webhook", webhooks.Name.About, nil).
		at("POST /webhooks/{id}/test").previewed(of(webhooks.WouldTest)).versioned(webhookVersion),
	plain("webhook deliveries", Viewer, "list what was sent, what failed and what waits", `{"webhook":"whk_4kz2m7q1v8xa","state":"failed","limit":50}`, webhooks.Deliveries).
		at("GET /deliveries"),
	changes(plain("webhook replay", Operator, "send the event of a delivery again", `{"id":4711}`, webhooks.SendAgain),
		"sent events again", webhooks.Replay.About, nil).withResult().
		at("POST /deliveries/replay").previewed(of(webhooks.WouldSendAgain)),
}

var upkeepOps = []Operation{
	changes(bytesOut("backup", Owner, "write a consistent copy of all data", `{}`, writeBackup),
		"copied all data", func(None) string { return "" }, nil).
		at("POST /backup").writes("application/x-tar"),
	bytesOut("fsck", Viewer, "check that states, journal, ledger and corpus agree", `{}`, check.Files).at("GET /fsck").writes("application/x-ndjson"),
}

// All returns every operation, in the order of the command line's help.
func All() []Operation { return slices.Clone(table) }

// Find returns the operation of a name, and reports whether it exists.
func Find(name string) (Operation, bool) {
	i := slices.IndexFunc(table, func(o Operation) bool { return o.Name == name })
	if i < 0 {
		return Operation{}, false
	}
	return table[i], true
}
