package table

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSelectFindsTheSameFields reads records of all kinds with all fields and with
// some.
func TestSelectFindsTheSameFields(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 9))
		columns := 1 + rng.IntN(40)
		var text strings.Builder
		for r := range 30 {
			n := columns
			if r > 0 && rng.IntN(6) == 0 {
				n = max(1, n+rng.IntN(5)-2)
			}
			for c := range n {
				if c > 0 {
					text.WriteByte(',')
				}
				switch cell := strings.Repeat("x", rng.IntN(3)*rng.IntN(6)); {
				case r == 0:
					fmt.Fprint(&text, "c", c)
				case rng.IntN(60) == 0:
					text.WriteString(`"` + cell + `,"""`)
				default:
					text.WriteString(cell)
				}
			}
			text.WriteString([]string{"\n", "\r\n"}[rng.IntN(2)])
		}
		whole, err := NewScanner(strings.NewReader(text.String()), "t", ',')
		if err != nil {
			t.Fatal(err)
		}
		some, err := NewScanner(strings.NewReader(text.String()), "t", ',')
		if err != nil {
			t.Fatal(err)
		}
		fields := rng.Perm(columns)[:rng.IntN(columns+1)]
		some.Select(fields)
		for whole.Next() {
			if !some.Next() || some.Len() != whole.Len() || some.Line() != whole.Line() || some.Bad() != whole.Bad() {
				t.Fatalf("seed %d, line %d: %d and %d fields", seed, whole.Line(), some.Len(), whole.Len())
			}
			for _, i := range fields {
				if i < whole.Len() && string(some.Field(i)) != string(whole.Field(i)) {
					t.Fatalf("seed %d, line %d, field %d: %q and %q", seed, whole.Line(), i, some.Field(i), whole.Field(i))
				}
			}
			some.All()
			all := func(s *Scanner) (out []string) {
				for i := range s.Len() {
					out = append(out, string(s.Field(i)))
				}
				return out
			}
			if !slices.Equal(all(some), all(whole)) {
				t.Fatalf("seed %d, line %d: All does not find all", seed, whole.Line())
			}
		}
	}
}

// TestDigitsIsParseNumberOfShortCells tries cells of all lengths at the end of the
// text and inside it.
func TestDigitsIsParseNumberOfShortCells(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	cells := []string{"", "0", "00000000", "99999999", "123456789", "-1", "+1", "1.5", "1e5", " 1", "1 ", "/9", ":0", "9:", "0x10", "\xb1", "1\xb1", "12\x002"}
	for range 20000 {
		c := make([]byte, rng.IntN(18))
		for i := range c {
			if c[i] = byte('0' + rng.IntN(10)); rng.IntN(20) == 0 {
				c[i] = byte(rng.IntN(256))
			}
		}
		cells = append(cells, string(c))
	}
	for _, cell := range cells {
		want, all := 0.0, len(cell) > 0 && len(cell) <= 15
		for _, c := range []byte(cell) {
			all = all && c >= '0' && c <= '9'
			want = want*10 + float64(c-'0')
		}
		for _, behind := range []string{"", ",", ",7", ",1234567890"} {
			s := &Scanner{sep: ','}
			s.text, s.ends = []byte("1,"+cell+behind), []int32{1, int32(2 + len(cell))}
			s.text = s.text[:len(s.text):len(s.text)]
			got, ok := s.Digits(1)
			if ok && (!all || got != want) || all && !ok && len(behind) > 8 {
				t.Fatalf("%q before %q: got %v, %v", cell, behind, got, ok)
			}
		}
	}
}
