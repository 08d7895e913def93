package valkey

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for url, want := range map[string]string{
		"valkey://h":                          "valkey://h:6379",
		"redis://h:7000/5":                    "redis://h:7000/5",
		"redis://h/":                          "redis://h:6379",
		"valkeys://u:p%40%2F@h:1?cluster=yes": "valkeys://h:1?cluster=yes tls user=u password=p@/",
		"rediss://:p@a,b:2,[::1]:3,[::2]?sentinel=m n": "rediss://a:26379,b:2,[::1]:3,[::2]:26379?sentinel=m+n tls user= password=p",
		"valkey://a,b/0?cluster=yes":                   "valkey://a:6379,b:6379?cluster=yes",
		"valkey://u@h?cluster=no":                      "valkey://h:6379 user=u password=",
		"redis://u:a@b:c@h":                            "redis://h:6379 user=u password=a@b:c",
	} {
		got, err := Parse(url)
		text := got.String()
		if got.TLS {
			text += " tls"
		}
		if got.user != "" || got.password != "" {
			text += fmt.Sprintf(" user=%s password=%s", got.user, got.password)
		}
		if err != nil || text != want {
			t.Errorf("%s: %s, %v; want %s", url, text, err, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for url, want := range map[string]string{
		"":                                      "must begin with valkey://",
		"h:6379":                                "must begin with valkey://",
		"http://u:secret@h":                     "must begin with valkey://",
		"valkey://":                             "must be a name or an IP address",
		"valkey://a,":                           "must be a name or an IP address",
		"valkey://u:secret@a,b":                 "need ?cluster=yes or ?sentinel=name",
		"valkey://u:secret@h:0":                 "invalid port",
		"valkey://u:secret@h:70000":             "invalid port",
		"valkey://u:secret@::1":                 "brackets around an IPv6 address",
		"valkey://u:secret%zz@h":                "must be escaped",
		"valkey://u:secret@h/x":                 "number of a database",
		"valkey://u:secret@h/-1":                "number of a database",
		"valkey://u:secret@h/1?cluster=yes":     "only database 0",
		"valkey://h?cluster=maybe":              "must be yes or no",
		"valkey://h?cluster=yes&cluster=no":     "must be given once",
		"valkey://h?sentinel=":                  "must name the master",
		"valkey://h?sentinel=a&cluster=yes":     "must not be combined",
		"valkey://h?ca=F":                       "needs TLS",
		"valkeys://h?ca=":                       "parameter ca: must name a file",
		"valkey://h?sentinel_user=u":            "need sentinel=name",
		"valkey://h?sentinel=a&sentinel_user=u": "needs sentinel_password_file",
		"valkey://h?sentinel_password_file=F":   "need sentinel=name",
		"valkey://h?db=3":                       `parameter "db": unknown`,
		"valkey://h#x":                          "must not contain #",
	} {
		_, err := Parse(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %s", url, err, want)
		}
	}
	for _, prefix := range []string{"a{b", "}", strings.Repeat("x", 65)} {
		if _, err := Open(t.Context(), Options{URL: "valkey://h", Prefix: prefix}); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("%q: %v", prefix, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("valkeys://u:p@a,b:2/0?cluster=yes")
	f.Fuzz(func(t *testing.T, url string) {
		got, err := Parse(url)
		if err != nil {
			return
		}
		again, err := Parse(got.String())
		if err != nil || again.String() != got.String() {
			t.Errorf("%q: %q, then %q, %v", url, got, again, err)
		}
	})
}
