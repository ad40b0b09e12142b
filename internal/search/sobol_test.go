package search

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"testing"
)

// TestSobolAsScipy compares 64 points in 1 to 10 dimensions with those of
// scipy.stats.qmc.Sobol(scramble=False), scipy 1.17.1, which testdata/sobol.csv
// holds. Ours leaves out the origin.
func TestSobolAsScipy(t *testing.T) {
	f, err := os.Open("testdata/sobol.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 64 || len(rows[0]) != 10 {
		t.Fatal(len(rows), err)
	}
	for i, row := range rows[1:] {
		want := make([]float64, len(row))
		for k, s := range row {
			if want[k], err = strconv.ParseFloat(s, 64); err != nil {
				t.Fatal(err)
			}
		}
		for n := 1; n <= len(want); n++ {
			if got := sobol(i, n, 0); !slices.Equal(got, want[:n]) {
				t.Fatalf("point %d in %d dimensions is %v, want %v", i, n, got, want[:n])
			}
		}
	}
}

// TestScrambledSobolIsANet checks what nested scrambling keeps and a random
// shuffle of digits would not: of the first 256 points in two dimensions one lies
// in each box of area 1/256, whatever its shape; and that seeds differ.
func TestScrambledSobolIsANet(t *testing.T) {
	for _, seed := range []uint64{1, 7, 1 << 40} {
		for a := 0; a <= 8; a++ {
			var seen [256]int
			for i := range 256 {
				x := sobol(i, 2, seed)
				seen[int(x[0]*float64(int(1)<<a))<<(8-a)|int(x[1]*float64(int(1)<<(8-a)))]++
			}
			if slices.Max(seen[:]) != 1 {
				t.Fatalf("seed %d: boxes of %d by %d hold %d points", seed, 1<<a, 1<<(8-a), slices.Max(seen[:]))
			}
		}
	}
	if slices.Equal(sobol(3, 4, 1), sobol(3, 4, 2)) {
		t.Error("two seeds give one point")
	}
}
