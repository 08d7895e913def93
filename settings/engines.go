package settings

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Engine is where something is stored: a word such as sqlite, or URLs that may contain a password.
// However it is printed, it shows no password.
type Engine struct{ text string }

// Word returns the setting if it is a word, "" if it is a URL.
func (e Engine) Word() string {
	if strings.Contains(e.text, "://") {
		return ""
	}
	return e.text
}

// Reveal returns the setting with the password that it may contain. It must not be shown.
func (e Engine) Reveal() string { return e.text }

// String returns the setting without user names, passwords and parameters.
func (e Engine) String() string {
	if e.Word() != "" {
		return e.text
	}
	u, err := splitURL(e.text)
	if err != nil {
		return "…" // impossible: it was checked
	}
	return u.scheme + "://" + u.hosts + u.path.Path
}

// GoString keeps the password out of %#v.
func (e Engine) GoString() string { return e.String() }

// engineURL is a URL that may have several hosts, with commas, which net/url refuses.
type engineURL struct {
	scheme, hosts string
	user          *url.Userinfo
	path          *url.URL // path and parameters
}

// maxURL is the maximum length of a URL.
const maxURL = 2048

var (
	errURL   = errors.New("is not a valid URL; characters such as @, / and # in a password must be written as %40, %2F and %23, or put the password into a file")
	hostForm = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?$`)
)

// splitURL parses a URL. Its errors never contain a part of it.
func splitURL(text string) (u engineURL, err error) {
	scheme, rest, _ := strings.Cut(text, "://")
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	u.scheme, u.hosts = scheme, authority
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		u.hosts = authority[i+1:]
	}
	if len(text) > maxURL {
		return u, errURL
	}
	whole, err := url.Parse(scheme + "://" + strings.TrimSuffix(authority, u.hosts) + "host" + path)
	if err != nil {
		return u, errURL
	}
	u.user, u.path = whole.User, &url.URL{Path: whole.Path, RawPath: whole.RawPath, RawQuery: whole.RawQuery, Fragment: whole.Fragment}
	return u, nil
}

// String returns the whole URL, with the password.
func (u engineURL) String() string {
	text := u.scheme + "://"
	if u.user != nil {
		text += u.user.String() + "@"
	}
	return text + u.hosts + u.path.String()
}

// Postgres reports whether the store is PostgreSQL, so that there may be several nodes.
func (s *Settings) Postgres() bool { return s.Store.Word() == "" }

// Secret is a setting that must not be shown.
type Secret struct{ text string }

// Reveal returns the secret. It must not be shown.
func (s Secret) Reveal() string { return s.text }

// String says whether the secret is set.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "(hidden)"
}

// GoString keeps the secret out of %#v.
func (s Secret) GoString() string { return s.String() }

// schemes are the schemes of the URLs of an engine, with an example and the words that are not
// URLs.
type schemes struct {
	words   []string
	schemes []string
	example string
	several bool              // the URLs of several servers, with commas
	wrong   map[string]string // what is often written instead, and what to do
}

var (
	storeEngines = schemes{
		words: []string{"sqlite"}, schemes: []string{"postgres", "postgresql"},
		example: "postgres://stile@db.internal/stile",
		wrong: map[string]string{"postgres": "", "postgresql": "", "pg": "",
			"redis": "can't store what must last; set state to that URL, and store to postgres://…"},
	}
	stateEngines = schemes{
		words: []string{"store"}, schemes: []string{"valkey", "valkeys", "redis", "rediss"},
		example: "valkey://cache.internal:6379", several: true,
		wrong: map[string]string{"redis": "", "valkey": "",
			"postgres": "is not an engine for states; set store to that URL, and state to store"},
	}
	corpusEngines = schemes{
		words: []string{"store"}, schemes: []string{"s3"},
		example: "s3://bucket/prefix?endpoint=https://s3.example&region=eu-1",
		wrong:   map[string]string{"s3": ""},
	}
)

// allowed describes the values.
func (e schemes) allowed() string {
	text := e.words[0] + ", or a URL such as " + e.example
	if e.several {
		text += " (several with commas for a Cluster)"
	}
	return text
}

// parse checks a value. Its errors never contain it, because a URL may have a password.
func (e schemes) parse(text string) (Engine, error) {
	if slices.Contains(e.words, text) {
		return Engine{text}, nil
	}
	scheme, _, isURL := strings.Cut(text, "://")
	if !isURL {
		scheme = text
	}
	why, known := e.wrong[strings.TrimSuffix(scheme, ":")]
	switch {
	case known && why != "":
		return Engine{}, errors.New(why)
	case known && !isURL:
		return Engine{}, errors.New("does not say where the server is")
	case !isURL:
		return Engine{}, errors.New("unknown engine")
	}
	if e.several {
		if text, why = joinURLs(strings.ReplaceAll(text, " ", "")); why != "" {
			return Engine{}, errors.New(why)
		}
	}
	if err := e.checkURL(text); err != nil {
		return Engine{}, err
	}
	return Engine{text}, nil
}

// joinURLs writes several URLs of the members of a Cluster as one with several hosts.
func joinURLs(text string) (one, problem string) {
	scheme, _, _ := strings.Cut(text, "://")
	if strings.Count(text, "://") < 2 {
		return text, ""
	}
	for part := range strings.SplitSeq(text, ",") {
		if strings.Contains(part, "://") && !strings.HasPrefix(part, scheme+"://") {
			return "", "the URLs must have the same scheme"
		}
	}
	var first engineURL
	for i, part := range strings.Split(text, ","+scheme+"://") {
		if i > 0 {
			part = scheme + "://" + part
		}
		u, err := splitURL(part)
		switch {
		case err != nil:
			return "", err.Error()
		case i == 0:
			first = u
			continue
		case u.user != nil && (first.user == nil || u.user.String() != first.user.String()):
			return "", "the URLs must have the same user and password"
		}
		first.hosts += "," + u.hosts
		first.path = u.path
	}
	query := first.path.Query()
	if !query.Has("cluster") && !query.Has("sentinel") {
		query.Set("cluster", "yes")
	}
	first.path.RawQuery = query.Encode()
	return first.String(), ""
}

func (e schemes) checkURL(text string) error {
	u, err := splitURL(text)
	if err != nil {
		return err
	}
	hosts := strings.Split(u.hosts, ",")
	switch {
	case !slices.Contains(e.schemes, u.scheme):
		return fmt.Errorf("the scheme must be %s", anyOf(e.schemes))
	case strings.Contains(u.path.Path, "://"):
		return errors.New("must be one URL; several hosts are written with commas, before the path")
	case u.hosts == "" && !u.path.Query().Has("host"):
		return errors.New("the URL must name a host")
	case u.path.Fragment != "":
		return errors.New("the URL must not have a fragment; # in a password must be written as %23")
	case len(hosts) > 1 && !slices.Contains([]string{"postgres", "postgresql"}, u.scheme) && !e.several:
		return errors.New("must be one URL with one host")
	}
	for _, host := range hosts {
		if u.hosts != "" && !hostForm.MatchString(host) {
			return errURL
		}
	}
	return nil
}

// engine is the type of a setting that names an engine.
func engine(field func(*Settings) *Engine, e schemes) value {
	return value{typeName: "text", allowed: e.allowed(), hide: true, parse: func(s *Settings, texts []string) (string, error) {
		v, err := e.parse(texts[0])
		if err == nil {
			*field(s) = v
		}
		return hidden(v.text, v.String()), err
	}}
}

// secret is the type of a setting that must not be shown.
func secret(field func(*Settings) *Secret, allowed string, form *regexp.Regexp) value {
	return value{typeName: "secret", allowed: allowed, hide: true, parse: func(s *Settings, texts []string) (string, error) {
		if texts[0] != "" && !form.MatchString(texts[0]) {
			return "", errors.New("is not valid")
		}
		*field(s) = Secret{texts[0]}
		return hidden(texts[0], Secret{texts[0]}.String()), nil
	}}
}

// hidden returns a text that is equal for equal secrets, and does not contain one.
func hidden(secret, shown string) string {
	if secret == shown {
		return shown
	}
	sum := sha256.Sum256([]byte("stile: compare settings\x00" + secret))
	return shown + " " + hex.EncodeToString(sum[:8])
}

// storeKeySize is the size of the key that encrypts the keys in PostgreSQL.
const storeKeySize = 32

var storeKeyForm = regexp.MustCompile(`^[0-9A-Za-z+/=_-]{43,64}$`)

// StoreSecrets returns the keys for what is encrypted in PostgreSQL, from their file or setting. The
// first one encrypts, the others only decrypt: while the key is changed, there are two.
func (s *Settings) StoreSecrets() (keys [][]byte, err error) {
	where, text := "store_key", s.StoreKey.text
	if s.StoreKeyFile != "" {
		raw, err := os.ReadFile(s.StoreKeyFile)
		if err != nil {
			return nil, fmt.Errorf("store_key_file: %w", err)
		}
		where, text = "store_key_file: "+s.StoreKeyFile, string(raw)
	}
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > maxStoreKeys {
		return nil, fmt.Errorf("%s: must have 1 to %d keys, on a line each", where, maxStoreKeys)
	}
	for _, word := range words {
		key, err := decodeStoreKey(where, word)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

const maxStoreKeys = 4

// decodeStoreKey reads a key that is written in hexadecimal digits or in base64.
func decodeStoreKey(where, text string) ([]byte, error) {
	key, err := hex.DecodeString(text)
	if err != nil {
		plain := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(text)
		key, err = base64.RawStdEncoding.DecodeString(plain)
	}
	if err != nil || len(key) != storeKeySize {
		return nil, fmt.Errorf("%s: must be %d random bytes as 64 hexadecimal digits, as `openssl rand -hex %d` prints them", where, storeKeySize, storeKeySize)
	}
	return key, nil
}

// nodeName is the form of the names of nodes, which host names have too.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// NodeName returns the name of this node: the setting, or else the name of the host.
func (s *Settings) NodeName() string {
	if s.Node != "" {
		return s.Node
	}
	host, err := os.Hostname()
	if err != nil || !nodeName.MatchString(host) || len(host) > 64 {
		return "node"
	}
	return host
}

// maxPassword is the maximum size of a file with a password.
const maxPassword = 4096

// StoreURL returns the URL of PostgreSQL, with the password of store_password_file.
func (s *Settings) StoreURL() (string, error) {
	return withPassword("store_password_file", s.StorePasswordFile, s.Store.text)
}

// StateUser returns the user in the setting state, "" if there is none.
func (s *Settings) StateUser() string {
	u, err := splitURL(s.State.text)
	if err != nil || u.user == nil {
		return ""
	}
	return u.user.Username()
}

// StatePassword returns the password in state_password_file, "" if that is not set.
func (s *Settings) StatePassword() (string, error) {
	if s.StatePasswordFile == "" {
		return "", nil
	}
	return readPassword("state_password_file", s.StatePasswordFile)
}

// withPassword returns a URL with the password in a file, if one is named.
func withPassword(setting, file, text string) (string, error) {
	if file == "" {
		return text, nil
	}
	password, err := readPassword(setting, file)
	if err != nil {
		return "", err
	}
	u, err := splitURL(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	name := ""
	if u.user != nil {
		name = u.user.Username()
	}
	u.user = url.UserPassword(name, password)
	return u.String(), nil
}

func readPassword(setting, file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("%s: %s must contain a password of at most %d bytes", setting, file, maxPassword)
	}
	return password, nil
}

// checkEngines checks the settings of engines together.
func (s *Settings) checkEngines(add func(key, problem string)) {
	if s.Postgres() {
		if s.StoreKeyFile == "" && s.StoreKey.text == "" {
			add("store_key_file", "is missing: PostgreSQL has the server's keys, and they are encrypted with the key in this file; create it with `openssl rand -hex 32 >FILE`")
		}
		if s.StoreKeyFile != "" && s.StoreKey.text != "" {
			add("store_key_file", "store_key_file and store_key must not both be set")
		}
		return
	}
	const needs = "needs store to be postgres://…: with sqlite, everything is in the data directory"
	for _, c := range []struct {
		key string
		set bool
	}{
		{"state", s.State.Word() != "store"}, {"corpus_store", s.CorpusStore.Word() != "store"}, {"store_key_file", s.StoreKeyFile != ""},
		{"store_key", s.StoreKey.text != ""}, {"store_password_file", s.StorePasswordFile != ""}, {"state_password_file", s.StatePasswordFile != ""},
	} {
		if c.set {
			add(c.key, needs)
		}
	}
}

// SharedFingerprint identifies those settings that all nodes must have in common, by their names.
// Each value is a digest, which reveals nothing.
func (s *Settings) SharedFingerprint(key []byte) map[string]string {
	shared := map[string]string{}
	for _, k := range table {
		if !sharedSetting(k) {
			continue
		}
		text := s.texts[k.Name]
		if k.Name == "public_url" {
			text = s.Origin(s.Listen)
		}
		sum := sha256.Sum256(slices.Concat(key, []byte("\x00"+k.Name+"\x00"+text)))
		shared[k.Name] = hex.EncodeToString(sum[:6])
	}
	return shared
}

// sharedSetting reports whether nodes with different values of a setting would decide differently.
func sharedSetting(k Key) bool {
	switch k.Name {
	case "public_url", "issuers", "state", "corpus_store", "webhooks.targets", "log_addresses":
		return true
	}
	return k.Tenant || strings.HasPrefix(k.Name, "policy.") || strings.HasPrefix(k.Name, "console.oidc.") && k.Name != "console.oidc.client_secret_file"
}
