package transport

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseParams(t *testing.T) {
	for in, want := range map[string][]Param{
		"":               nil,
		"&&&":            nil,
		"a=b":            {{"a", "b"}},
		"a":              {{"a", ""}},
		"=b":             {{"", "b"}},
		"a=b=c":          {{"a", "b=c"}},
		"a=1&a=2":        {{"a", "1"}, {"a", "2"}},
		"a+b=%2B%26%3d+": {{"a b", "+&= "}},
		"a=1;b=2":        {{"a", "1;b=2"}},
		"%61=%c3%a9":     {{"a", "é"}},
	} {
		if got, err := parseParams(in, nil); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for in, want := range map[string]error{
		"a=%": errEncoding, "a=%2": errEncoding, "a=%zz": errEncoding, "%=a": errEncoding, "a=%-1": errEncoding,
		"a=%ff": errText, "a=\xff": errText, "a=%00": errText, "%00": errText, "a=%ed%a0%80": errText,
		strings.Repeat("a&", 33): errMany,
	} {
		if _, err := parseParams(in, nil); err != want {
			t.Errorf("%q: %v, want %v", in, err, want)
		}
	}
}

// TestParseParamsContinues checks that the callback is found after an error too.
func TestParseParamsContinues(t *testing.T) {
	got, err := parseParams("a=%zz&callback=cb&"+strings.Repeat("x&", 50)+"callback=d", nil)
	if err != errEncoding {
		t.Errorf("fault %v", err)
	}
	names := 0
	for _, p := range got {
		if p.Name == "callback" {
			names++
		}
	}
	if names != 2 {
		t.Errorf("%d callbacks in %v", names, got)
	}
}

// FuzzQuery checks that url.ParseQuery and parseParams agree if both accept a query. parseParams
// also accepts semicolons, and refuses what is not text.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=b&c=d", "a=%41+b", "%zz", "a;b=c", "\xff", "&&=&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseParams(s, nil)
		want, wantErr := url.ParseQuery(s)
		if err != nil {
			if wantErr == nil && err == errEncoding {
				t.Errorf("%q: %v, and url.ParseQuery reads it", s, err)
			}
			return
		}
		if wantErr != nil && !strings.Contains(s, ";") {
			t.Errorf("%q: url.ParseQuery says %v", s, wantErr)
		}
		if len(got) > maxParams {
			t.Errorf("%q: %d parameters", s, len(got))
		}
		values := url.Values{}
		for _, p := range got {
			if !utf8.ValidString(p.Name+p.Value) || strings.Contains(p.Name+p.Value, "\x00") {
				t.Errorf("%q: %q", s, p)
			}
			values.Add(p.Name, p.Value)
		}
		if wantErr == nil && values.Encode() != want.Encode() {
			t.Errorf("%q: %v, want %v", s, values, want)
		}
	})
}

// TestSessionVectors checks that the server reads parameters as the published vectors of session
// proofs cover them: the names and values are at the end of a MAC's input.
func TestSessionVectors(t *testing.T) {
	text, err := os.ReadFile("../../tokens/proof/session/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Requests []struct {
			Method, Path, Query, Input string
			Counter                    uint32
		}
	}
	if err := json.Unmarshal(text, &v); err != nil || len(v.Requests) < 6 {
		t.Fatalf("%d requests, %v", len(v.Requests), err)
	}
	for _, r := range v.Requests {
		params, err := parseParams(r.Query, nil)
		if err != nil {
			t.Fatal(err)
		}
		var covered []byte
		for _, p := range params {
			if p.Name != "proof" && p.Name != "callback" {
				for _, part := range []string{p.Name, p.Value} {
					covered = append(binary.BigEndian.AppendUint32(covered, uint32(len(part))), part...)
				}
			}
		}
		before := 3*4 + len(r.Method+"https://api.example"+r.Path+fmt.Sprint(r.Counter)) + sha256.Size
		if want := hex.EncodeToString(covered); r.Input[2*before:] != want {
			t.Errorf("%s: %s, the vector has %s", r.Query, want, r.Input[2*before:])
		}
	}
}
