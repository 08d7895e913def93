package operations

import (
	"slices"

	"stile.example/stile/operations/policies"
	"stile.example/stile/tenants"
)

// table has every operation, in the order of the command line's help.
var table = slices.Concat(tenantOps, contentOps, tokenOps, addressOps, policyOps, usageOps, keyOps, auditOps, upkeepOps)

var tenantOps = []Operation{
	changes(plain("tenant add", Operator, "add a tenant and print its secret",
		`{"client_id":"acme","name":"Acme Ltd","sites":["https://www.acme.example"],"prices":[{"since":"2026-11-01","micros":2000}]}`, AddTenant),
		"added a tenant", TenantChange.about, tenantState).
		at("POST /tenants").creates().previewed(of(wouldAddTenant)).versioned(tenantVersion),
	plain("tenant list", Viewer, "list the tenants", `{}`, listTenants).at("GET /tenants").keyed("client_id"),
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
		at("POST /content/import").previewed(wouldImport),
	plain("content options", Viewer, "show what is chosen at import for all items", `{"tenant":"acme"}`, showOptions).at("GET /content/options"),
	plain("content list", Viewer, "list items", `{"collection":"recipes","after":"bread","limit":100}`, listItems).
		at("GET /content/items"),
	plain("content show", Viewer, "show one item in full", `{"id":"iceland"}`, showItem).at("GET /content/items/{id}"),
	changes(plain("content remove", Operator, "remove items, or a collection", `{"ids":["iceland","greenland"]}`, removeItems),
		"removed items", ItemNames.about, nil).withResult().
		at("POST /content/remove").previewed(of(wouldRemoveItems)),
	bytesOut("content export", Viewer, "export items as JSON lines", `{"collection":"recipes"}`, exportItems).at("GET /content/export").writes("application/x-ndjson"),
}

var tokenOps = []Operation{
	changes(plain("token issue", Operator, "issue a token for a tenant", `{"tenant":"acme","subject":"support-4711","scope":"content"}`, issueToken),
		"issued a token", TokenRequest.about, nil).
		at("POST /tokens").creates(),
	plain("token show", Viewer, "show the state of a token", `{"token":"C5-sbF16Tw4LnyxsXXpPDg"}`, showToken).at("GET /tokens/{token}"),
	changes[TokenName](plain("token revoke", Operator, "revoke a token permanently", `{"token":"C5-sbF16Tw4LnyxsXXpPDg"}`, revokeToken),
		"revoked a token", nil, nil).withResult().
		at("POST /tokens/revoke").previewed(of(wouldRevoke)),
}

var addressOps = []Operation{
	plain("address list", Viewer, "list the ranges that are allowed, blocked or crowded", `{}`, listAddresses).
		at("GET /addresses").keyed("range", "origin", "tenant"),
	changes(plain("address allow", Operator, "exempt a range from the rules",
		`{"range":"203.0.113.0/24","bindings":5000,"reason":"University of X"}`, allowRange),
		"allowed a range", RangeAllowance.about, rangeState[RangeAllowance]).
		at("PUT /addresses/allowed/{range...}").previewed(of(wouldAllow)).versioned(rangeVersion),
	changes(plain("address block", Operator, "refuse all calls from a range", `{"range":"198.51.100.7","for":"24h"}`, blockRange),
		"blocked a range", RangeBlock.about, rangeState[RangeBlock]).
		at("PUT /addresses/blocked/{range...}").previewed(of(wouldBlock)).versioned(rangeVersion),
	changes(plain("address remove", Operator, "remove a range from the list and reset its counts", `{"range":"198.51.100.7"}`, removeRange),
		"removed a range", RangeName.about, rangeState[RangeName]).
		at("DELETE /addresses/{range...}").previewed(of(wouldRemoveRange)).versioned(rangeVersion),
}

var policyOps = []Operation{
	plain("policy show", Viewer, "show the settings of the policy", `{"name":"policy.token.calls","tenant":"acme"}`, policies.Show).
		at("GET /policy"),
	plain("policy compare", Viewer, "compare the policy with a change, on simulated traffic", `{"policy":{"policy.spike.calls":"30"},"groups":["class"]}`, policies.Compare).
		at("GET /policy/compare"),
}

var usageOps = []Operation{
	plain("explain", Viewer, "explain why a call was refused", `{"ref":"7QK2-M4TD"}`, explainRefusal).at("GET /refusals/{ref}"),
	plain("usage", Viewer, "print what tenants used and what it costs", `{"tenant":"acme","from":"2026-11-01","to":"2026-11-30"}`, readUsage).
		at("GET /usage").keyed("tenant", "day", "route"),
}

var keyOps = []Operation{
	plain("key list", Viewer, "list the signing keys", `{}`, listKeys).at("GET /keys").keyed("kid"),
	changes[KeyRotation](plain("key rotate", Owner, "sign with a new key from now on", `{"alg":"EdDSA"}`, rotateKey),
		"rotated the signing key", nil, nil).withResult().
		at("POST /keys").creates().previewed(of(wouldRotateKey)),
	plain("issuer list", Viewer, "list the external issuers and their keys", `{}`, listIssuers).
		at("GET /issuers").keyed("issuer"),
	changes(plain("issuer refresh", Operator, "fetch the keys of external issuers now", `{"issuer":"https://id.example/realms/demo"}`, refreshIssuers),
		"fetched the keys of external issuers", IssuerRefresh.about, nil).
		at("POST /issuers/refresh").keyed("issuer"),
}

var auditOps = []Operation{
	plain("audit list", Viewer, "list who changed what, and when", `{"operation":"tenant","limit":50}`, listAudit).at("GET /audit"),
	plain("audit verify", Viewer, "check that the audit log was not changed", `{}`, verifyAudit).at("GET /audit/verify"),
}

var upkeepOps = []Operation{
	changes(bytesOut("backup", Owner, "write a consistent copy of all data", `{}`, writeBackup),
		"copied all data", func(None) string { return "" }, nil).
		at("POST /backup").writes("application/x-tar"),
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
