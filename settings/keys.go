package settings

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"stile.example/stile/addresses"
	"stile.example/stile/tokens"
)

// Key is one setting.
type Key struct {
	Name    string // dotted, as it stands in the file: policy.token.calls
	Default string // as it is written; a list with commas
	Doc     string // a sentence
	Tenant  bool   // may be set for one tenant too, and is read again by a running server
	Live    bool   // is the server's alone, and is read again by a running server
	value   value
}

// Type is the sort of value: number, duration, list, …
func (k Key) Type() string { return k.value.sort }

// Allowed says which values are allowed.
func (k Key) Allowed() string { return k.value.allowed }

// Keys is the table of all settings, in the order of the documentation.
func Keys() []Key { return slices.Clone(table) }

const (
	day     = 24 * time.Hour
	year    = 365 * day
	many32  = 1<<31 - 1
	million = 1_000_000
)

// table is where a setting is told, once.
var table = slices.Concat(serverKeys, tenantKeys, policyKeys)

var serverKeys = []Key{
	{Name: "listen", Default: ":8080", Doc: "What the public listener (token endpoint, content API) listens on.",
		value: one(func(s *Settings) *string { return &s.Listen }, address())},
	{Name: "admin_listen", Default: "127.0.0.1:8081", Doc: "What the admin listener (metrics) listens on. It is for operators: keep it away from the internet.",
		value: one(func(s *Settings) *string { return &s.AdminListen }, address())},
	{Name: "admin_hosts", Default: "", Doc: "Host names by which the admin listener is reached, such as stile.internal or a service's name. Requests to another name are refused (421), since a web page could have pointed it here (DNS rebinding); IP addresses, localhost and the host of admin_listen are always accepted.",
		value: many(func(s *Settings) *[]string { return &s.AdminHosts }, matching(adminHost, 253, "a host name in small letters without a port, such as stile.internal or stile"), 20)},
	{Name: "public_url", Default: "", Doc: "The origin by which clients reach the public listener; it is the issuer and the audience of the tokens, so tokens issued under another one are invalid. Not set: http://localhost and the port of listen.",
		value: one(func(s *Settings) *string { return &s.PublicURL }, origin())},
	{Name: "data", Default: "./data", Doc: "The data directory: keys, the database, the commands' socket.",
		value: one(func(s *Settings) *string { return &s.Data }, path())},
	{Name: "store", Default: "sqlite", Doc: "What keeps tenants, corpus and usage.",
		value: one(func(s *Settings) *string { return &s.Store }, only("sqlite", map[string]string{
			"postgres": "PostgreSQL is not served by this version, only the embedded SQLite"}))},
	{Name: "state", Default: "store", Doc: "What keeps the states of tokens, which change with every call; store: the same as store.",
		value: one[string](nil, only("store", map[string]string{
			"redis": "Redis is not served by this version: token states are in the store"}))},
	{Name: "trusted_proxies", Default: "", Doc: "The reverse proxies whose X-Forwarded-For is believed. With none, a client's address is its connection's.",
		value: many(func(s *Settings) *[]netip.Prefix { return &s.TrustedProxies }, proxies(), 256)},
	{Name: "tls.domains", Default: "", Doc: "Names for which the public listener gets certificates by itself (ACME, Let's Encrypt); it must be reachable at port 443.",
		value: many(func(s *Settings) *[]string { return &s.TLS.Domains }, matching(hostname, 253, "a host name, such as api.example.org"), 20)},
	{Name: "tls.certificate", Default: "", Doc: "PEM file of the certificate and its chain; read again when it changes.",
		value: one(func(s *Settings) *string { return &s.TLS.Certificate }, path())},
	{Name: "tls.key", Default: "", Doc: "PEM file of the certificate's key.",
		value: one(func(s *Settings) *string { return &s.TLS.Key }, path())},
	{Name: "issuers", Default: "", Doc: "Outside authorization servers whose tokens are accepted: a list of mappings, told in docs/issuers.md.",
		value: issuerList()},
	{Name: "log.level", Default: "info", Doc: "The least level that is logged. Refusals are info, every call is debug.",
		value: one(func(s *Settings) *slog.Level { return &s.Log.Level }, level())},
	{Name: "log.format", Default: "json", Doc: "How the log is written on standard error.",
		value: one(func(s *Settings) *bool { return &s.Log.JSON }, either("text", "json"))},
	{Name: "log_addresses", Default: "prefix", Doc: "How source addresses stand in the log and in what `stile explain` shows; prefix: the /24 of an IPv4 address, the /48 of an IPv6 one; hash: a keyed hash, the same for the same address.",
		value: one(func(s *Settings) *string { return &s.LogAddresses }, choice("full", "prefix", "hash"))},
}

var tenantKeys = []Key{
	{Name: "binding", Default: "auto", Tenant: true, Doc: "What the first call binds a token to; auto: the key that the browser proves to hold, else the source address; address: the source address; key: a key, and a first call without a proof is refused.",
		value: one(func(s *Settings) *tokens.Mode { return &s.Policy.Token.Binding }, mode())},
	{Name: "site", Default: "if-sent", Tenant: true, Doc: "What becomes of a call that names no page (no Origin, no Referer) where the tenant has sites; required: it is refused.",
		value: one(func(s *Settings) *string { return &s.Policy.Site }, choice("if-sent", "required"))},
	{Name: "query_tokens", Default: "yes", Tenant: true, Doc: "Whether a token may stand in a URL. JSONP has no other place for it; with-proof: only where a key proof stands beside it, with which a copied URL is worth nothing.",
		value: one(func(s *Settings) *string { return &s.Policy.QueryTokens }, choice("yes", "with-proof", "no"))},
	{Name: "jsonp", Default: "yes", Tenant: true, Doc: "Whether a request with callback is answered as a script; no: it gets 404 as JSON. A request that names no tenant goes by the server's own setting. A page whose policy allows scripts from API/v1/ lets an injected tag call any of its global functions.",
		value: one(func(s *Settings) *string { return &s.Policy.JSONP }, choice("yes", "no"))},
	{Name: "callbacks", Default: "", Tenant: true, Doc: "Prefixes of dotted JSONP names that are allowed, such as angular.callbacks. A dotted name lets a page be made to call its own methods.",
		value: many(func(s *Settings) *[]string { return &s.Policy.Callbacks }, matching(dotted, 64, "a name with dots, such as angular.callbacks"), 16)},
	{Name: "hijack", Default: "stranger", Tenant: true, Doc: "What a call by another key does to a token bound to a key; stranger: that call is refused, and the token lives; kill: the token dies.",
		value: one(func(s *Settings) *bool { return &s.Policy.Token.KillOnForeignKey }, either("stranger", "kill"))},
}

var policyKeys = []Key{
	{Name: "policy.token.lifetime", Default: "24h", Tenant: true, Doc: "How long a token is good.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Lifetime }, duration(time.Minute, day))}, // a state counts two UTC days
	{Name: "policy.token.calls", Default: "2000", Tenant: true, Doc: "How many calls a token is good for.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.Calls }, number[uint32](1, many32))},
	{Name: "policy.token.records", Default: "20000", Tenant: true, Doc: "How many items a token may deliver: that is what a scraper wants.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.Records }, number[uint32](1, many32))},
	{Name: "policy.token.bind_within", Default: "10m", Tenant: true, Doc: "How long after its issue a token's first call may come; stops stock-piling.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.BindWithin }, duration(time.Second, day))},
	{Name: "policy.spike.calls", Default: "60", Tenant: true, Doc: "Calls of a token within policy.spike.per after which the next one opens a challenge.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.SpikeCalls }, number[uint32](1, million))},
	{Name: "policy.spike.suggestions", Default: "240", Tenant: true, Doc: "The same for suggestions.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.SpikeSuggestions }, number[uint32](1, million))},
	{Name: "policy.spike.per", Default: "1m", Tenant: true, Doc: "The window of a spike; it begins with the first call that is counted in it.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.SpikePer }, duration(time.Second, day))},
	{Name: "policy.challenge.ladder", Default: "work, work, picture", Tenant: true, Doc: "The kind of a token's first challenge, its second, and so on; the last from then on.",
		value: some(func(s *Settings) *[]tokens.Kind { return &s.Policy.Token.Ladder }, kind(), 16)},
	{Name: "policy.challenge.ignored", Default: "5", Tenant: true, Doc: "Calls with a challenge open until the token dies.",
		value: one(func(s *Settings) *uint8 { return &s.Policy.Token.Ignored }, number[uint8](1, 100))},
	{Name: "policy.challenge.per_token", Default: "6", Tenant: true, Doc: "Challenges that a token may get, solved or not.",
		value: one(func(s *Settings) *uint16 { return &s.Policy.Token.PerToken }, number[uint16](1, 1000))},
	{Name: "policy.challenge.expires", Default: "5m", Tenant: true, Doc: "How long a challenge may be solved.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.Expires }, duration(10*time.Second, time.Hour))},
	{Name: "policy.address.bindings", Default: "25", Live: true, Doc: "Tokens that may bind to one address within policy.address.per.",
		value: one(func(s *Settings) *uint16 { return &s.Address.Bindings }, number[uint16](1, MaxBindings))},
	{Name: "policy.address.per", Default: "1h", Live: true, Doc: "The window of an address's bindings.",
		value: one(func(s *Settings) *time.Duration { return &s.Address.Per }, duration(time.Minute, 7*day))},
	{Name: "policy.address.records", Default: "375", Live: true, Doc: "Items that the tokens of one address may deliver in a day before it is crowded; 0: any number. Where an address has more bindings, at least 15 for each of them. Counted where the corpus has at least twenty times as many.",
		value: one(func(s *Settings) *uint32 { return &s.Address.Records }, number[uint32](0, many32))},
	{Name: "policy.address.then", Default: "challenge", Live: true, Doc: "What becomes of an address over its bindings; challenge: its new tokens start with a challenge, and it is blocked only if too few of them are solved.",
		value: one(func(s *Settings) *addresses.Then { return &s.Address.Then }, then())},
	{Name: "policy.address.solve_ratio", Default: "0.2", Live: true, Doc: "A crowded address that solves a smaller part of its challenges is blocked.",
		value: one(func(s *Settings) *float64 { return &s.Address.SolveRatio }, ratio())},
	{Name: "policy.address.block", Default: "10m, 1h, 4h, 24h, 168h", Live: true, Doc: "How long an address is blocked the first time, the second, and so on; the last from then on.",
		value: some(func(s *Settings) *[]time.Duration { return &s.Address.Block }, duration(time.Second, year), 16)},
	{Name: "policy.address.permanent_after", Default: "0", Live: true, Doc: "Blocks of the last length after which it is for good; 0: never by itself.",
		value: one(func(s *Settings) *uint8 { return &s.Address.PermanentAfter }, number[uint8](0, 100))},
	{Name: "policy.roaming.addresses", Default: "8", Tenant: true, Doc: "Addresses at which a token bound to a key may be used within policy.roaming.per; one more opens a challenge.",
		value: one(func(s *Settings) *uint8 { return &s.Policy.Token.RoamAddresses }, number[uint8](1, tokens.MaxRoaming))},
	{Name: "policy.roaming.per", Default: "24h", Tenant: true, Doc: "The window of roaming; it begins with the first call that is counted in it.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.RoamPer }, duration(time.Minute, 7*day))},
	{Name: "policy.observe", Default: "", Tenant: true, Doc: "Rules that are decided and recorded, but not enforced. A tenant may name hijack, spike and client; crowd and block are about addresses, which are not a tenant's.",
		value: many(func(s *Settings) *[]string { return &s.Policy.Observe }, choice(rules...), len(rules))},
}

// MaxBindings is the largest budget of an address of which the double, too,
// can be counted in one slice of its period.
const MaxBindings = 30_000

func find(name string) (Key, bool) {
	for _, k := range table {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

// blocks says that a name is of a list of mappings.
func blocks(name string) bool {
	k, known := find(name)
	return known && k.value.issuers
}

// section says that a name has settings below it.
func section(name string) bool {
	return slices.ContainsFunc(table, func(k Key) bool { return strings.HasPrefix(k.Name, name+".") })
}
