package proof

import (
	"errors"
	"testing"
	"time"

	"stile.example/stile/stiletest"
)

// FuzzCheck checks that no proof causes a panic, and that only proofs that a key has signed are
// valid.
func FuzzCheck(f *testing.F) {
	f.Add(rfcProof)
	f.Add("e30.e30.AA")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := NewChecker(rfcTime.Add(-time.Hour)).Check(text, rfcRequest, rfcTime); err == nil && text != rfcProof || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	})
}

// FuzzObject checks that a text which is not a JSON object is an error, and that any other can be
// read.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":"b","c":{"d":[1,{}]}}`))
	f.Add([]byte(`{"a"`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := object(data)
		if err != nil {
			return
		}
		for name := range m {
			m.text(name)
		}
	})
}

// FuzzURL checks that a normalised URL is a URL, and that normalising it again changes nothing.
func FuzzURL(f *testing.F) {
	f.Add("https://api.example/a%2fb/../c?d#e")
	f.Add("http://[::1]:80")
	f.Fuzz(func(t *testing.T, text string) {
		once, ok := normal(text)
		if !ok {
			return
		}
		if twice, ok := normal(once); !ok || len(twice) > len(once) {
			t.Errorf("%q: %q, then %q", text, once, twice)
		}
	})
}

// BenchmarkCheck measures the signature alone, and a complete check.
func BenchmarkCheck(b *testing.B) {
	for name, k := range map[string]stiletest.Key{"ES256": stiletest.NewKey(), "EdDSA": stiletest.NewEdwardsKey()} {
		proofs := make([]string, 4096)
		for n := range proofs {
			proofs[n] = k.Proof("GET", asked.URL, asked.Token, noon)
		}
		b.Run(name, func(b *testing.B) {
			var c *Checker
			for n := range b.N {
				if n%len(proofs) == 0 {
					b.StopTimer()
					c = checker()
					b.StartTimer()
				}
				if _, err := use(c, proofs[n%len(proofs)], asked, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/signature", func(b *testing.B) {
			t, _ := cut(proofs[0])
			known, _ := readHeader(t.Header)
			for range b.N {
				if !known.verify(t) {
					b.Fatal("not signed")
				}
			}
		})
	}
}
