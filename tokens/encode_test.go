package tokens_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/quick"

	. "stile.example/stile/tokens"
)

// full is a state with every field set, by the newest version of the stored form.
var full = State{
	Tenant: 0x01020304, Day: 20489, IssuedAt: 0x69571a80, Expires: 0x69586c00,
	Used: Usage{
		{{0x11, 0x12}, {0x13, 0x14}, {0x15, 0x16}, {0x17, 0x18}},
		{{0x21, 0x22}, {0x23, 0x24}, {0x25, 0x26}, {0x27, 0x28}},
	},
	Calls:         Window{Since: 0x69571a81, Count: 0x31},
	Suggestions:   Window{Since: 0x69571a82, Count: 0x32},
	Allowance:     0x0177,
	OpenChallenge: Challenge{Expires: 0x69571bac, Number: 0x0141, Kind: Picture, Level: 1, Left: 5, Reloads: 3, For: ByAll},

	ChallengesIssued: 0x0106, Serial: 0x0141,
	Bound:          BindToKey(Key{0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60}),
	AddressChecked: true, Dead: Exhausted,
	Roaming: Roaming{Since: 0x69571a83, Seen: [3]uint32{0x61, 0x6200, 0x630000}},
	Hints:   0x0171, Rendered: 6,
	BoundAfter: 0x0181,
	Proofs:     ProofWindow{Highest: 0x0191, Used: 0x1920000000000001},
}

// goldens returns, for each golden file, the state that it contains.
func goldens() map[string]State {
	v4 := full
	v4.Proofs = ProofWindow{}
	v3 := v4
	v3.BoundAfter = 0
	v2 := v3
	v2.Hints, v2.Rendered, v2.OpenChallenge.For = 0, 0, ByTenant
	v1 := v2
	v1.Roaming, v1.Bound.Kind = Roaming{}, ToAddress
	return map[string]State{"state_v1.hex": v1, "state_v2.hex": v2, "state_v3.hex": v3, "state_v4.hex": v4, "state_v5.hex": full}
}

// TestGoldenStates checks that the bytes of every version are read, and that the newest version is
// written byte for byte.
func TestGoldenStates(t *testing.T) {
	for file, want := range goldens() {
		b := readGolden(t, file)
		if got, err := DecodeState(b); err != nil || got != want {
			t.Errorf("%s: got %+v, %v\nwant %+v", file, got, err, want)
		}
		if got, rest, err := CutState(append(b, 9)); err != nil || got != want || !bytes.Equal(rest, []byte{9}) {
			t.Errorf("%s: CutState: %+v, %v rest, %v", file, got, rest, err)
		}
		for n := range b {
			if s, err := DecodeState(b[:n]); err == nil || s != (State{}) {
				t.Errorf("%s: the first %d of %d bytes: %+v, %v", file, n, len(b), s, err)
			}
		}
		if s, err := DecodeState(append(b, 0)); err == nil || s != (State{}) {
			t.Errorf("%s: a byte too many: %+v, %v", file, s, err)
		}
	}
	if got, want := AppendState(nil, full), readGolden(t, "state_v5.hex"); !bytes.Equal(got, want) {
		t.Errorf("the stored form changed:\n got %x\nwant %x", got, want)
	}
}

// TestUnknownVersions checks that a version that this program does not know is an error, whatever
// its length.
func TestUnknownVersions(t *testing.T) {
	for _, version := range []byte{0, 6, 255} {
		b := AppendState(nil, full)
		b[0] = version
		if s, err := DecodeState(b); err == nil || !strings.Contains(err.Error(), "unknown version") || s != (State{}) {
			t.Errorf("version %d: %+v, %v", version, s, err)
		}
	}
}

// TestEveryFieldIsStored checks that every field of any state is read back, and that it is stored
// where encoding/binary puts it, which finds fields by reflection. A new field that AppendState
// does not write fails here.
func TestEveryFieldIsStored(t *testing.T) {
	check := func(s State) bool {
		b := AppendState(nil, s)
		got, err := DecodeState(b)
		want, _ := binary.Append([]byte{5}, binary.LittleEndian, s)
		return err == nil && got == s && bytes.Equal(b, want)
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
	for v, i := reflect.ValueOf(full), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the golden state does not set %s", v.Type().Field(i).Name)
		}
	}
}

// TestImpossibleValues checks that each number that a damaged state may have has a name, and that
// the state is possible only if this program knows the number.
func TestImpossibleValues(t *testing.T) {
	for n := range 256 {
		if name := Reason(n).String(); (name == "") != (n == 0) || n > len(Reasons) && name != Unknown.String() {
			t.Errorf("reason %d is %q", n, name)
		}
		if got, want := (&State{Dead: Reason(n)}).IsPossible(), n == 0 || slices.Contains(Reasons, Reason(n)); got != want {
			t.Errorf("dead for reason %d: %t", n, got)
		}
		if got, name := (&State{Bound: Binding{Kind: BindingKind(n)}}).IsPossible(), BindingKind(n).String(); got != (name != "unknown") || got != (n <= 2) {
			t.Errorf("binding %d, %q: %t", n, name, got)
		}
		if got, name := (&State{OpenChallenge: Challenge{Kind: Kind(n)}}).IsPossible(), Kind(n).String(); got != (name != "unknown") || got != (n <= 2) {
			t.Errorf("challenge %d, %q: %t", n, name, got)
		}
		if got := (&State{OpenChallenge: Challenge{For: Cause(n)}}).IsPossible(); got != (n <= 2) {
			t.Errorf("cause %d: %t", n, got)
		}
	}
}

// FuzzDecodeState checks that any bytes are a state or an error, and never a panic; and that a
// state is stored again as the state that was read.
func FuzzDecodeState(f *testing.F) {
	for file := range goldens() {
		b := readGolden(f, file)
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeState(b)
		if err != nil {
			if s != (State{}) {
				t.Errorf("%+v with error %v", s, err)
			}
			return
		}
		if again, err := DecodeState(AppendState(nil, s)); err != nil || again != s {
			t.Errorf("%+v, %v\nwant %+v", again, err, s)
		}
	})
}

// readGolden reads a file of testdata: bytes in hexadecimal, with comments that begin with #.
func readGolden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.TrimSpace(code))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

func BenchmarkAppendState(b *testing.B) {
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendState(buf[:0], full)
	}
}

func BenchmarkDecodeState(b *testing.B) {
	buf := AppendState(nil, full)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeState(buf); err != nil {
			b.Fatal(err)
		}
	}
}
