package operations

import (
	"slices"

	"stile.example/stile/operations/policies"
)

// table has every operation, in the order of the command line's help.
var table = slices.Concat(tenantOps, contentOps, tokenOps, addressOps, policyOps, usageOps, keyOps, auditOps, upkeepOps, doctorOps)

var tenantOps = []Operation{
	changes(plain("tenant add", Operator, "add a tenant and print its secret",
		`{"client_id":"acme","name":"Acme Ltd","sites":["https://www.acme.example"],"prices":[{"since":"2026-11-01","micros":2000}]}`, AddTenant),
		"added a tenant", TenantChange.about, tenantState),
	plain("tenant list", Viewer, "list the tenants", `{}`, listTenants),
	plain("tenant show", Viewer, "show one tenant", `{"client_id":"acme"}`, showTenant),
	changes(plain("tenant set", Operator, "change a tenant",
		`{"client_id":"acme","calls_per_month":100000,"policy":{"policy.token.calls":"500"}}`, SetTenant),
		"changed a tenant", TenantChange.about, tenantState),
	changes(plain("tenant suspend", Operator, "refuse a tenant's calls until it is resumed", `{"client_id":"acme"}`, suspendTenant),
		"suspended a tenant", TenantName.about, tenantState),
	changes(plain("tenant resume", Operator, "admit a suspended tenant's calls again", `{"client_id":"acme"}`, ResumeTenant),
		"resumed a tenant", TenantName.about, tenantState),
	changes(plain("tenant rotate-secret", Operator, "give a tenant a new secret and print it", `{"client_id":"acme","overlap":"24h"}`, RotateSecret),
		"gave a tenant a new secret", SecretRotation.about, secretState),
	changes(plain("tenant remove", Operator, "remove a tenant and its own items", `{"client_id":"acme"}`, removeTenant),
		"removed a tenant", TenantName.about, tenantState),
}

var contentOps = []Operation{
	dryIf(changes(itemsIn("content import", Operator, "import items, all or none", `{"tenant":"acme","prune":true,"dry_run":true,"options":{"searchable":["capital","codes"],"url":"https://publisher.example/{id}"}}`, importItems),
		"imported items", ImportOptions.about, nil).withResult(), ImportOptions.isDry),
	plain("content options", Viewer, "show what is chosen at import for all items", `{"tenant":"acme"}`, showOptions),
	plain("content list", Viewer, "list items", `{"collection":"recipes","after":"bread","limit":100}`, listItems),
	plain("content show", Viewer, "show one item in full", `{"id":"iceland"}`, showItem),
	changes(plain("content remove", Operator, "remove items, or a collection", `{"ids":["iceland","greenland"]}`, removeItems),
		"removed items", ItemNames.about, nil).withResult(),
	bytesOut("content export", Viewer, "export items as JSON lines", `{"collection":"recipes"}`, exportItems),
}

var tokenOps = []Operation{
	changes(plain("token issue", Operator, "issue a token for a tenant", `{"tenant":"acme","subject":"support-4711","scope":"content"}`, issueToken),
		"issued a token", TokenRequest.about, nil),
	plain("token show", Viewer, "show the state of a token", `{"token":"0b9f2c6c5d7a4f0e"}`, showToken),
	changes[TokenName](plain("token revoke", Operator, "revoke a token permanently", `{"token":"0b9f2c6c5d7a4f0e"}`, revokeToken),
		"revoked a token", nil, nil).withResult(),
}

var addressOps = []Operation{
	plain("address list", Viewer, "list the ranges that are allowed, blocked or crowded", `{}`, listAddresses),
	changes(plain("address allow", Operator, "exempt a range from the rules",
		`{"range":"203.0.113.0/24","bindings":5000,"reason":"University of X"}`, allowRange),
		"allowed a range", RangeAllowance.about, rangeState[RangeAllowance]),
	changes(plain("address block", Operator, "refuse all calls from a range", `{"range":"198.51.100.7","for":"24h"}`, blockRange),
		"blocked a range", RangeBlock.about, rangeState[RangeBlock]),
	changes(plain("address remove", Operator, "remove a range from the list and reset its counts", `{"range":"198.51.100.7"}`, removeRange),
		"removed a range", RangeName.about, rangeState[RangeName]),
}

var policyOps = []Operation{
	plain("policy show", Viewer, "show the settings of the policy", `{"name":"policy.token.calls","tenant":"acme"}`, policies.Show),
	plain("policy compare", Viewer, "compare the policy with a change, on simulated traffic", `{"policy":{"policy.spike.calls":"30"},"groups":["class"]}`, policies.Compare),
}

var usageOps = []Operation{
	plain("explain", Viewer, "explain why a call was refused", `{"ref":"7QK2-M4TD"}`, explainRefusal),
	plain("usage", Viewer, "print what tenants used and what it costs", `{"tenant":"acme","from":"2026-11-01","to":"2026-11-30"}`, readUsage),
}

var keyOps = []Operation{
	plain("key list", Viewer, "list the signing keys", `{}`, listKeys),
	changes[KeyRotation](plain("key rotate", Owner, "sign with a new key from now on", `{"alg":"EdDSA"}`, rotateKey),
		"rotated the signing key", nil, nil).withResult(),
	plain("issuer list", Viewer, "list the external issuers and their keys", `{}`, listIssuers),
	changes(plain("issuer refresh", Operator, "fetch the keys of external issuers now", `{"issuer":"https://id.example/realms/demo"}`, refreshIssuers),
		"fetched the keys of external issuers", IssuerRefresh.about, nil),
}

var auditOps = []Operation{
	plain("audit list", Viewer, "list who changed what, and when", `{"operation":"tenant","limit":50}`, listAudit),
	plain("audit verify", Viewer, "check that the audit log was not changed", `{}`, verifyAudit),
}

var upkeepOps = []Operation{
	changes(bytesOut("backup", Owner, "write a consistent copy of all data", `{}`, writeBackup),
		"copied all data", func(None) string { return "" }, nil),
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
