package bearer

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"stile.example/stile/tokens/signing"
)

func BenchmarkSign(b *testing.B) {
	for _, alg := range signing.Algorithms() {
		b.Run(alg, func(b *testing.B) {
			keys := testKeys(b)
			if _, err := keys.Rotate(noon, alg, lifetime); err != nil {
				b.Fatal(err)
			}
			s := testSigner(keys)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Sign(Claims{Subject: "visitor", Client: "acme", Expires: noon.Add(time.Hour)}, noon); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	keys := testKeys(b)
	v, k := testVerifier(b, keys), keys.Set().Signing()
	good := forge(b, k, goodHeader(k).String(), goodClaims().String())
	run := func(name, token string, each func() *Verifier) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					each().Verify(token, noon)
				}
			})
		})
	}
	run("remembered", good, func() *Verifier { return v })
	run("first", good, func() *Verifier {
		return &Verifier{keys: keys, issuer: issuer, audience: issuer, maxLifetime: lifetime}
	})
	run("wrong-signature", swapPayload(good, goodClaims().with("jti", "j2").String()), func() *Verifier { return v })
	run("wrong-kid", forge(b, k, goodHeader(k).with("kid", "x").String(), goodClaims().String()), func() *Verifier { return v })
	run("expired", forge(b, k, goodHeader(k).String(), goodClaims().with("exp", noon.Unix()-1).with("iat", noon.Unix()-2).String()), func() *Verifier { return v })
}

// BenchmarkMemory reports the bytes that a cached token takes.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	for range b.N {
		keys := testKeys(b)
		v, s := testVerifier(b, keys), testSigner(keys)
		before := heap()
		for i := range n {
			token, err := s.Sign(Claims{Subject: fmt.Sprint("visitor-", i), Client: "acme", Expires: noon.Add(time.Hour)}, noon)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := v.Verify(token, noon); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/float64(v.cache.size()), "B/token")
		runtime.KeepAlive(v)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
