package p256

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	mathrand "math/rand/v2"
	"testing"

	"filippo.io/nistec"
)

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func table(t testing.TB, public *ecdsa.PublicKey) *Key {
	t.Helper()
	k, err := New(public)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func join(r, s *big.Int) []byte {
	b := make([]byte, 2*size)
	r.FillBytes(b[:size])
	s.FillBytes(b[size:])
	return b
}

func sign(t testing.TB, k *ecdsa.PrivateKey, hash []byte) []byte {
	t.Helper()
	r, s, err := ecdsa.Sign(rand.Reader, k, hash)
	if err != nil {
		t.Fatal(err)
	}
	return join(r, s)
}

// agree compares Verify with the standard library.
func agree(t testing.TB, k *Key, public *ecdsa.PublicKey, hash, signature []byte) bool {
	t.Helper()
	want := len(signature) == 2*size && ecdsa.Verify(public, hash, number(signature[:size]), number(signature[size:]))
	if got := k.Verify(hash, signature); got != want {
		t.Errorf("Verify(%x, %x) = %v, crypto/ecdsa says %v", hash, signature, got, want)
	}
	return want
}

// TestVerify checks that valid signatures are accepted, and that with any bit changed, in the
// signature or the hash, the result is that of crypto/ecdsa.
func TestVerify(t *testing.T) {
	for range 8 {
		private := newKey(t, elliptic.P256())
		k := table(t, &private.PublicKey)
		for n := range 16 {
			hash := sha256.Sum256([]byte{byte(n)})
			signature := sign(t, private, hash[:])
			if !agree(t, k, &private.PublicKey, hash[:], signature) {
				t.Fatal("the standard library refuses its own signature")
			}
			for range 8 {
				bad, other := [2 * size]byte(signature), hash
				bad[mathrand.IntN(len(bad))] ^= 1 << mathrand.IntN(8)
				other[mathrand.IntN(len(other))] ^= 1 << mathrand.IntN(8)
				agree(t, k, &private.PublicKey, hash[:], bad[:])
				agree(t, k, &private.PublicKey, other[:], signature)
			}
			other := newKey(t, elliptic.P256())
			agree(t, table(t, &other.PublicKey), &other.PublicKey, hash[:], signature)
		}
	}
}

// TestVerifyEdges tries scalars at the ends of their range, hashes of zeros and ones, and the
// second valid signature (r, n-s).
func TestVerifyEdges(t *testing.T) {
	private := newKey(t, elliptic.P256())
	k := table(t, &private.PublicKey)
	zero, one := new(big.Int), big.NewInt(1)
	ends := []*big.Int{zero, one, big.NewInt(2), new(big.Int).Sub(order, one), order, new(big.Int).Add(order, one),
		new(big.Int).Sub(new(big.Int).Lsh(one, 256), one), new(big.Int).Rsh(order, 1)}
	zeros, ones := make([]byte, size), make([]byte, size)
	for i := range ones {
		ones[i] = 0xff
	}
	for _, hash := range [][]byte{zeros, ones, order.FillBytes(make([]byte, size))} {
		for _, r := range ends {
			for _, s := range ends {
				agree(t, k, &private.PublicKey, hash, join(r, s))
			}
		}
		good := sign(t, private, hash)
		twin := join(number(good[:size]), new(big.Int).Sub(order, number(good[size:])))
		if !agree(t, k, &private.PublicKey, hash, good) || !agree(t, k, &private.PublicKey, hash, twin) {
			t.Errorf("hash %x: a good signature or its twin is refused", hash)
		}
	}
	for _, signature := range [][]byte{nil, zeros, make([]byte, 2*size+1)} {
		if k.Verify(zeros, signature) {
			t.Errorf("a signature of %d bytes is good", len(signature))
		}
	}
	if k.Verify(zeros[1:], sign(t, private, zeros)) {
		t.Error("a hash of 31 bytes is good")
	}
}

// TestSmallKeys tries keys that are small multiples of the generator, for which additions have
// equal and opposite points.
func TestSmallKeys(t *testing.T) {
	for d := int64(1); d <= 40; d++ {
		for _, secret := range []*big.Int{big.NewInt(d), new(big.Int).Sub(order, big.NewInt(d))} {
			private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret.FillBytes(make([]byte, size)))
			if err != nil {
				t.Fatal(err)
			}
			k, hash := table(t, &private.PublicKey), sha256.Sum256([]byte{byte(d)})
			if !agree(t, k, &private.PublicKey, hash[:], sign(t, private, hash[:])) {
				t.Errorf("key %d: a good signature is refused", d)
			}
			// With these r and s, u1·G and u2·Q are equal or opposite.
			for e := int64(0); e <= 3; e++ {
				agree(t, k, &private.PublicKey, big.NewInt(e).FillBytes(make([]byte, size)), join(big.NewInt(1), big.NewInt(d)))
			}
		}
	}
}

// TestTimes compares the table's multiples with the curve's own.
func TestTimes(t *testing.T) {
	private := newKey(t, elliptic.P256())
	k := table(t, &private.PublicKey)
	encoded, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	point, err := nistec.NewP256Point().SetBytes(encoded)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		n := new(big.Int).Lsh(big.NewInt(1), uint(i%256))
		if i >= 256 {
			if n, err = rand.Int(rand.Reader, order); err != nil {
				t.Fatal(err)
			}
		}
		want, err := nistec.NewP256Point().ScalarMult(point, n.FillBytes(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		if got := k.times(n).Bytes(); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%v times the key: %x, want %x", n, got, want.Bytes())
		}
	}
}

func TestNewRefuses(t *testing.T) {
	other := newKey(t, elliptic.P384())
	if _, err := New(&other.PublicKey); err == nil {
		t.Error("a key of P-384 is taken")
	}
}

// FuzzVerify compares Verify with the standard library on any bytes.
func FuzzVerify(f *testing.F) {
	private := newKey(f, elliptic.P256())
	k := table(f, &private.PublicKey)
	hash := sha256.Sum256(nil)
	f.Add(hash[:], sign(f, private, hash[:]))
	f.Fuzz(func(t *testing.T, hash, signature []byte) {
		if len(hash) == size {
			agree(t, k, &private.PublicKey, hash, signature)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	private := newKey(b, elliptic.P256())
	hash := sha256.Sum256(nil)
	signature := sign(b, private, hash[:])
	b.Run("table", func(b *testing.B) {
		k := table(b, &private.PublicKey)
		for b.Loop() {
			k.Verify(hash[:], signature)
		}
	})
	b.Run("standard", func(b *testing.B) {
		for b.Loop() {
			ecdsa.Verify(&private.PublicKey, hash[:], number(signature[:size]), number(signature[size:]))
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			table(b, &private.PublicKey)
		}
	})
}
