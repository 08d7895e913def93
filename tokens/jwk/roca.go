package jwk

import "math/big"

// rocaPrimes are the primes modulo which a key of CVE-2017-15361 (ROCA) is a power of 65537: Nemec
// and others, "The Return of Coppersmith's Attack", 2017, §2. About one in 2^27 other keys is such
// a power for all of them too.
var rocaPrimes = []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// IsROCA reports whether an RSA key was made by chips whose keys can be factored.
func IsROCA(n *big.Int) bool {
	for _, p := range rocaPrimes {
		if !powerOf65537(new(big.Int).Mod(n, big.NewInt(p)).Int64(), p) {
			return false
		}
	}
	return true
}

func powerOf65537(r, p int64) bool {
	for x := int64(1); ; {
		if x == r {
			return true
		}
		if x = x * 65537 % p; x == 1 {
			return false
		}
	}
}
