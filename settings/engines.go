package settings

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"stile.example/stile/settings/engineurl"
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
	u, err := engineurl.Split(e.text)
	if err != nil {
		return "…" // impossible: it was checked
	}
	return u.Shown()
}

// GoString keeps the password out of %#v.
func (e Engine) GoString() string { return e.String() }

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
		if text, why = engineurl.Join(strings.ReplaceAll(text, " ", "")); why != "" {
			return Engine{}, errors.New(why)
		}
	}
	if err := e.checkURL(text); err != nil {
		return Engine{}, err
	}
	return Engine{text}, nil
}

func (e schemes) checkURL(text string) error {
	u, err := engineurl.Split(text)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(e.schemes, u.Scheme):
		return fmt.Errorf("the scheme must be %s", anyOf(e.schemes))
	case strings.Contains(u.Path.Path, "://"):
		return errors.New("must be one URL; several hosts are written with commas, before the path")
	case u.Hosts == "" && !u.Path.Query().Has("host"):
		return errors.New("the URL must name a host")
	case u.Path.Fragment != "":
		return errors.New("the URL must not have a fragment; # in a password must be written as %23")
	case strings.Contains(u.Hosts, ",") && !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) && !e.several:
		return errors.New("must be one URL with one host")
	}
	if u.Hosts != "" && !u.AreHosts() {
		return engineurl.ErrInvalid
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

// StoreSecrets returns the keys for what is encrypted in PostgreSQL, from their file or setting.
// The first one encrypts, the others only decrypt: while the key is changed, there are two.
func (s *Settings) StoreSecrets() (keys [][]byte, err error) {
	where, text := "store_key", s.StoreKey.text
	if s.StoreKeyFile != "" {
		raw, err := os.ReadFile(s.StoreKeyFile)
		if err != nil {
			return nil, unreadable("store_key_file", err, "copy it from another node, or from where you keep it; only a new cluster gets a new one")
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

// StoreURL returns the URL of PostgreSQL, with the password of store_password_file unless it has
// one itself.
func (s *Settings) StoreURL() (string, error) {
	return withPassword("store_password_file", s.StorePasswordFile, s.Store.text)
}

// StateUser returns the user in the setting state, "" if there is none.
func (s *Settings) StateUser() string {
	u, err := engineurl.Split(s.State.text)
	if err != nil || u.User == nil {
		return ""
	}
	return u.User.Username()
}

// StatePassword returns the password in state_password_file, "" if that is not set or the setting
// state has a password itself.
func (s *Settings) StatePassword() (string, error) {
	if u, err := engineurl.Split(s.State.text); s.StatePasswordFile == "" || err == nil && u.HasPassword() {
		return "", nil
	}
	return readPassword("state_password_file", s.StatePasswordFile)
}

// withPassword returns a URL with the password in a file, if one is named. A password in the URL
// comes first: it may be that of another server, in a flag of one command.
func withPassword(setting, file, text string) (string, error) {
	if file == "" {
		return text, nil
	}
	u, err := engineurl.Split(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	if u.HasPassword() {
		return text, nil
	}
	password, err := readPassword(setting, file)
	if err != nil {
		return "", err
	}
	name := ""
	if u.User != nil {
		name = u.User.Username()
	}
	u.User = url.UserPassword(name, password)
	return u.String(), nil
}

// unreadable returns the error for a file that can't be read, with what to do. missing is what to
// do if it does not exist.
func unreadable(setting string, err error, missing string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: %s", setting, err, missing)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: the user that runs stile must be able to read it, such as by chown root:stile and chmod 640", setting, err)
	}
	return fmt.Errorf("%s: %w", setting, err)
}

func readPassword(setting, file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", unreadable(setting, err, "correct the path, or create the file")
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("%s: %s must contain a password of at most %d bytes", setting, file, maxPassword)
	}
	return password, nil
}

// refusedStore reports whether the store that counts was given and is not valid, so the default
// remained.
func (s *Settings) refusedStore(from []given) bool {
	last := ""
	for _, g := range from {
		if g.name == "store" {
			last = strings.Join(g.texts, ",")
		}
	}
	return !s.Postgres() && last != "" && last != "sqlite"
}

// checkEngines checks the settings of engines together.
func (s *Settings) checkEngines(add func(key, problem string)) {
	if s.Postgres() {
		if s.StoreKeyFile == "" && s.StoreKey.text == "" {
			add("store_key_file", "is missing: PostgreSQL has the server's keys, and they are encrypted with the key in this file. For a further node, copy the file of another one; for the first node of a new database, create it with `openssl rand -hex 32 >FILE`")
		}
		if s.StoreKeyFile != "" && s.StoreKey.text != "" {
			add("store_key_file", "store_key_file and store_key must not both be set")
		}
		if s.StoreSync {
			add("store_sync", "needs store to be sqlite: PostgreSQL waits for the disk unless its own settings say otherwise")
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
