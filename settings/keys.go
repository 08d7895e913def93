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
	Name    string // dotted, as in the file: policy.token.calls
	Default string // as written in the file; a list has commas
	Doc     string // its description, in complete sentences
	Tenant  bool   // it can be set for one tenant too, and a running server reads it again
	Live    bool   // it can't be set for one tenant, but a running server reads it again
	Secret  bool   // it is never shown, and has no flag: other users can see those
	value   value
}

// Type returns the type of its values: number, duration, list, …
func (k Key) Type() string { return k.value.typeName }

// Allowed returns a description of the allowed values.
func (k Key) Allowed() string { return k.value.allowed }

// Keys returns the table of all settings, in the order of the documentation.
func Keys() []Key { return slices.Clone(table) }

const (
	day       = 24 * time.Hour
	year      = 365 * day
	maxUint31 = 1<<31 - 1
	million   = 1_000_000
)

// table describes each setting, in one place.
var table = slices.Concat(serverKeys, oidcKeys, tenantKeys, policyKeys)

var serverKeys = []Key{
	{Name: "listen", Default: ":8080", Doc: "Address of the public listener (token endpoint, content API).",
		value: one(func(s *Settings) *string { return &s.Listen }, address())},
	{Name: "admin_listen", Default: "127.0.0.1:8081", Doc: "Address of the admin listener (console, metrics). It is for operators only: do not expose it to the internet.",
		value: one(func(s *Settings) *string { return &s.AdminListen }, address())},
	{Name: "admin_hosts", Default: "", Doc: "Host names of the admin listener, such as stile.internal or a service's name. Requests to any other name are refused (421): a web page could have pointed that name here (DNS rebinding). IP addresses, localhost and the host of admin_listen are always accepted.",
		value: many(func(s *Settings) *[]string { return &s.AdminHosts }, matching(adminHost, 253, "a host name in lower case without a port, such as stile.internal or stile"), 20)},
	{Name: "public_url", Default: "", Doc: "Origin at which clients reach the public listener. It is the issuer and the audience of the tokens, so tokens issued under another public_url are invalid. Unset: http://localhost with the port of listen.",
		value: one(func(s *Settings) *string { return &s.PublicURL }, origin())},
	{Name: "data", Default: "./data", Doc: "Data directory, with the keys, the database and the commands' socket.",
		value: one(func(s *Settings) *string { return &s.Data }, path())},
	{Name: "store", Default: "sqlite", Doc: "Backend for tenants, usage, keys, the address list and everything else that must last. `sqlite`: the data directory, for one server. A URL of PostgreSQL: any number of servers share it, which are called nodes. Parameters of the URL are those of libpq, such as sslmode=verify-full, and sslrootcert=FILE for the certificate of a private authority.",
		value: engine(func(s *Settings) *Engine { return &s.Store }, storeEngines)},
	{Name: "store_sync", Default: "normal", Doc: "Whether calls that were answered survive a power cut, if store is sqlite. `normal`: they survive a crash of the server and kill -9, and the last moments before a power cut may be lost. `full`: they survive a power cut too. Then each commit waits for the disk. One commit has all calls that wait, so under load this costs less than a wait for each call. PostgreSQL and Valkey have settings of their own for this.",
		value: one(func(s *Settings) *bool { return &s.StoreSync }, either("normal", "full"))},
	{Name: "store_password_file", Default: "", Doc: "File that contains the password of PostgreSQL. A password in the URL comes first. Unset: the password is in the URL, which is best set in the environment (STILE_STORE), or the server needs none.",
		value: one(func(s *Settings) *string { return &s.StorePasswordFile }, path())},
	{Name: "store_key_file", Default: "", Doc: "File with the key that encrypts the server's keys in PostgreSQL: 32 random bytes as 64 hexadecimal digits. All nodes need the same one. More keys on further lines only decrypt, while the key is changed. Without it, the keys in PostgreSQL can't be read: keep a copy of it apart from the backups of the database.",
		value: one(func(s *Settings) *string { return &s.StoreKeyFile }, path())},
	{Name: "store_key", Default: "", Secret: true, Doc: "The key itself, instead of store_key_file. It is for the environment (STILE_STORE_KEY); it has no flag, because other users of the machine could read it.",
		value: secret(func(s *Settings) *Secret { return &s.StoreKey }, "64 hexadecimal digits, or base64 of 32 bytes", storeKeyForm)},
	{Name: "state", Default: "store", Doc: "Backend for the states of tokens and addresses, which change with every call. `store`: the backend that the setting store names. A URL of Valkey or Redis: for more calls than PostgreSQL can count. rediss:// and valkeys:// use TLS, and ?ca=FILE names the certificate of a private authority. ?sentinel=NAME makes the addresses those of Sentinels; if they have a password of their own, sentinel_password_file=FILE names it, and sentinel_user=NAME its user.",
		value: engine(func(s *Settings) *Engine { return &s.State }, stateEngines)},
	{Name: "state_password_file", Default: "", Doc: "File that contains the password of Valkey or Redis. A password in the URL comes first.",
		value: one(func(s *Settings) *string { return &s.StatePasswordFile }, path())},
	{Name: "corpus_store", Default: "store", Doc: "Where the files of the corpus are stored for the other nodes, if store is PostgreSQL. `store`: in PostgreSQL. A URL of a bucket: in S3 or a store that is compatible with it. ?credentials=FILE names the file of the keys, in the form of ~/.aws/credentials, and ?ca=FILE the certificate of a private authority.",
		value: engine(func(s *Settings) *Engine { return &s.CorpusStore }, corpusEngines)},
	{Name: "node", Default: "", Doc: "Name of this node, for `stile nodes` and the log. It must be unique among the nodes. Unset: the name of the host.",
		value: one(func(s *Settings) *string { return &s.Node }, maybe(matching(nodeName, 64, "a name of letters, digits, dots and hyphens")))},
	{Name: "trusted_proxies", Default: "", Doc: "Reverse proxies whose X-Forwarded-For is trusted. Unset: the source address is that of the connection.",
		value: many(func(s *Settings) *[]netip.Prefix { return &s.TrustedProxies }, proxies(), 256)},
	{Name: "tls.domains", Default: "", Doc: "Names for which the public listener obtains certificates automatically (ACME, Let's Encrypt). It must be reachable at port 443.",
		value: many(func(s *Settings) *[]string { return &s.TLS.Domains }, matching(hostname, 253, "a host name, such as api.example.org"), 20)},
	{Name: "tls.certificate", Default: "", Doc: "PEM file of the certificate and its chain. It is read again when it changes.",
		value: one(func(s *Settings) *string { return &s.TLS.Certificate }, path())},
	{Name: "tls.key", Default: "", Doc: "PEM file of the certificate's private key.",
		value: one(func(s *Settings) *string { return &s.TLS.Key }, path())},
	{Name: "issuers", Default: "", Doc: "External authorization servers whose tokens are accepted. It is a list of mappings, described in docs/issuers.md.",
		value: issuerList()},
	{Name: "log.level", Default: "info", Doc: "Minimum log level. Refusals are logged at info, every call at debug.",
		value: one(func(s *Settings) *slog.Level { return &s.Log.Level }, level())},
	{Name: "log.format", Default: "json", Doc: "Format of the log, which is written to standard error.",
		value: one(func(s *Settings) *bool { return &s.Log.JSON }, either("text", "json"))},
	{Name: "log_addresses", Default: "prefix", Doc: "How source addresses appear in the log and in `stile explain`. `prefix`: the /24 of an IPv4 address, the /48 of an IPv6 address. `hash`: a keyed hash, the same for the same address.",
		value: one(func(s *Settings) *string { return &s.LogAddresses }, choice("full", "prefix", "hash"))},
	{Name: "webhooks.targets", Default: "public", Doc: "Where webhooks may be. `public`: at public addresses, over https. `loopback`: also on this machine, over https or http, for development. `private`: as loopback, and also in private networks over https. Operators choose the URLs of webhooks, so this limits what an operator can make the server connect to.",
		value: one(func(s *Settings) *string { return &s.WebhookTargets }, choice("public", "loopback", "private"))},
}

var tenantKeys = []Key{
	{Name: "binding", Default: "auto", Tenant: true, Doc: "What the first call binds a token to. `auto`: the key of a valid proof, else the source address. `address`: the source address. `key`: the key; a first call without a proof is refused.",
		value: one(func(s *Settings) *tokens.Mode { return &s.Policy.Token.Binding }, mode())},
	{Name: "site", Default: "if-sent", Tenant: true, Doc: "Whether a call must name its page (Origin or Referer) if the tenant has sites. `if-sent`: the page is checked only if it is named. `required`: a call that does not name it is refused.",
		value: one(func(s *Settings) *string { return &s.Policy.Site }, choice("if-sent", "required"))},
	{Name: "query_tokens", Default: "yes", Tenant: true, Doc: "Whether a token may be in a URL, which JSONP needs. `with-proof`: only together with a key proof, which makes a copied URL useless.",
		value: one(func(s *Settings) *string { return &s.Policy.QueryTokens }, choice("yes", "with-proof", "no"))},
	{Name: "jsonp", Default: "yes", Tenant: true, Doc: "Whether a request with callback gets a script. `no`: it gets 404 as JSON. The server's own setting applies to a request that does not name a tenant. If a page's policy allows scripts from API/v1/, an injected tag can call any of the page's global functions.",
		value: one(func(s *Settings) *string { return &s.Policy.JSONP }, choice("yes", "no"))},
	{Name: "callbacks", Default: "", Tenant: true, Doc: "JSONP callback names with dots that are allowed. A prefix, such as angular.callbacks, allows one name after it. In a pattern, such as __gwt_jsonp__.*.onSuccess, * is one free name. docs/tenants-api.md lists those of JavaScript libraries. With a dotted name, a request can make a page call methods of its own objects.",
		value: many(func(s *Settings) *[]string { return &s.Policy.Callbacks }, callbackPattern(), 16)},
	{Name: "hijack", Default: "stranger", Tenant: true, Doc: "Action for a call with another key than the one that the token is bound to. `stranger`: that call is refused, and the token stays valid. `kill`: the token dies.",
		value: one(func(s *Settings) *bool { return &s.Policy.Token.KillOnForeignKey }, either("stranger", "kill"))},
}

var policyKeys = []Key{
	// The maximum is a day, because a state has counts for two UTC days.
	{Name: "policy.token.lifetime", Default: "24h", Tenant: true, Doc: "How long a token is valid.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Lifetime }, duration(time.Minute, day))},
	{Name: "policy.token.calls", Default: "2000", Tenant: true, Doc: "Maximum number of calls of a token.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.Calls }, number[uint32](1, maxUint31))},
	{Name: "policy.token.records", Default: "20000", Tenant: true, Doc: "Maximum number of records of a token. This limits what a scraper gets.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.Records }, number[uint32](1, maxUint31))},
	{Name: "policy.token.bind_within", Default: "10m", Tenant: true, Doc: "How long after its issue a token can make its first call. This prevents callers from stockpiling tokens. Unset, it is as long as the lifetime at most.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.BindWithin }, duration(time.Second, day))},
	{Name: "policy.spike.calls", Default: "60", Tenant: true, Doc: "Calls of a token within policy.spike.per, after which the next call gets a challenge.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.SpikeCalls }, number[uint32](1, million))},
	{Name: "policy.spike.suggestions", Default: "240", Tenant: true, Doc: "Requests for suggestions by a token within policy.spike.per, after which the next one gets a challenge.",
		value: one(func(s *Settings) *uint32 { return &s.Policy.Token.SpikeSuggestions }, number[uint32](1, million))},
	{Name: "policy.spike.per", Default: "1m", Tenant: true, Doc: "Window of a spike. It starts with the first call that is counted in it.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.SpikePer }, duration(time.Second, day))},
	{Name: "policy.challenge.ladder", Default: "work, work, picture", Tenant: true, Doc: "Kinds of a token's challenges: the first, the second, and so on. Challenges after the end of the list are of the last kind.",
		value: some(func(s *Settings) *[]tokens.Kind { return &s.Policy.Token.Ladder }, tokenKind(), 16)},
	{Name: "policy.challenge.ignored", Default: "5", Tenant: true, Doc: "Number of calls during an open challenge after which the token dies.",
		value: one(func(s *Settings) *uint8 { return &s.Policy.Token.Ignored }, number[uint8](1, 100))},
	{Name: "policy.challenge.per_token", Default: "6", Tenant: true, Doc: "Maximum number of challenges of a token, solved or not.",
		value: one(func(s *Settings) *uint16 { return &s.Policy.Token.PerToken }, number[uint16](1, 1000))},
	{Name: "policy.challenge.expires", Default: "5m", Tenant: true, Doc: "How long after its issue a challenge can be solved.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.Expires }, duration(10*time.Second, time.Hour))},
	{Name: "policy.address.bindings", Default: "25", Live: true, Doc: "Number of tokens that may bind to an address within policy.address.per.",
		value: one(func(s *Settings) *uint16 { return &s.Address.Bindings }, number[uint16](1, MaxBindings))},
	{Name: "policy.address.per", Default: "1h", Live: true, Doc: "Window in which an address's bindings are counted.",
		value: one(func(s *Settings) *time.Duration { return &s.Address.Per }, duration(time.Minute, 7*day))},
	{Name: "policy.address.records", Default: "375", Live: true, Doc: "Records that the tokens of an address may deliver in a day before the address is crowded. 0: no limit. An address that may have more bindings gets at least 15 records for each of them. Records are counted only if the corpus has at least 20 times as many items.",
		value: one(func(s *Settings) *uint32 { return &s.Address.Records }, number[uint32](0, maxUint31))},
	{Name: "policy.address.then", Default: "challenge", Live: true, Doc: "Action for an address over its binding budget. `challenge`: its new tokens start with a challenge, and it is blocked only if it solves too few of them.",
		value: one(func(s *Settings) *addresses.Then { return &s.Address.Then }, then())},
	{Name: "policy.address.solve_ratio", Default: "0.2", Live: true, Doc: "A crowded address is blocked if it solves a smaller fraction of its challenges.",
		value: one(func(s *Settings) *float64 { return &s.Address.SolveRatio }, ratio())},
	{Name: "policy.address.block", Default: "10m, 1h, 4h, 24h, 168h", Live: true, Doc: "Lengths of an address's blocks: the first, the second, and so on. Blocks after the end of the list have the last length.",
		value: some(func(s *Settings) *[]time.Duration { return &s.Address.Block }, duration(time.Second, year), 16)},
	{Name: "policy.address.permanent_after", Default: "0", Live: true, Doc: "Number of blocks of the last length after which an address is blocked permanently. 0: never.",
		value: one(func(s *Settings) *uint8 { return &s.Address.PermanentAfter }, number[uint8](0, 100))},
	{Name: "policy.roaming.addresses", Default: "8", Tenant: true, Doc: "Number of addresses at which a key-bound token may be used within policy.roaming.per. One more opens a challenge.",
		value: one(func(s *Settings) *uint8 { return &s.Policy.Token.RoamAddresses }, number[uint8](1, tokens.MaxRoaming))},
	{Name: "policy.roaming.per", Default: "24h", Tenant: true, Doc: "Window of roaming. It starts with the first call that is counted in it.",
		value: one(func(s *Settings) *time.Duration { return &s.Policy.Token.RoamPer }, duration(time.Minute, 7*day))},
	{Name: "policy.observe", Default: "", Tenant: true, Doc: "Rules that are evaluated and recorded but not enforced. A tenant can set hijack, spike and client. The rules crowd and block are about addresses, which tenants share.",
		value: many(func(s *Settings) *[]string { return &s.Policy.Observe }, choice(rules...), len(rules))},
}

// MaxBindings is the maximum binding budget of an address. Twice as many can still be counted in
// one bucket of its period.
const MaxBindings = 30_000

func find(name string) (Key, bool) {
	for _, k := range table {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

// blocks reports whether a name is that of a list of mappings.
func blocks(name string) bool {
	k, known := find(name)
	return known && k.value.issuers
}

// section reports whether a name has settings below it.
func section(name string) bool {
	return slices.ContainsFunc(table, func(k Key) bool { return strings.HasPrefix(k.Name, name+".") })
}
