package rng

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
)

// testdata/numpy.json was written by numpy 2.4: for each seed the draws of one
// RandomState, in this order.
func TestDrawsAsNumpy(t *testing.T) {
	text, err := os.ReadFile("testdata/numpy.json")
	if err != nil {
		t.Fatal(err)
	}
	var seeds map[string]struct {
		Randint, Small, One, Big   []uint64
		Random                     []string
		Perm, Shuffle, Shufflelist []int
	}
	if err := json.Unmarshal(text, &seeds); err != nil {
		t.Fatal(err)
	}
	for name, want := range seeds {
		seed, _ := strconv.ParseUint(name, 10, 32)
		m := New(uint32(seed))
		for _, group := range []struct {
			top  uint64
			want []uint64
		}{{2147483647, want.Randint}, {10, want.Small}, {1, want.One}, {1 << 40, want.Big}} {
			for i, w := range group.want {
				if got := m.Intn(group.top); got != w {
					t.Errorf("seed %s: draw %d below %d is %d, want %d", name, i, group.top, got, w)
				}
			}
		}
		for _, h := range want.Random {
			w, err := strconv.ParseFloat(h, 64)
			if got := m.Float64(); err != nil || got != w {
				t.Errorf("seed %s: Float64 is %v, want %v (%v)", name, got, w, err)
			}
		}
		if got := m.Perm(11); !slices.Equal(got, want.Perm) {
			t.Errorf("seed %s: Perm is %v, want %v", name, got, want.Perm)
		}
		for _, w := range [][]int{want.Shuffle, want.Shufflelist} {
			a := []int{0, 1, 2, 3, 4, 5, 6}
			m.Shuffle(len(a), func(i, j int) { a[i], a[j] = a[j], a[i] })
			if !slices.Equal(a, w) {
				t.Errorf("seed %s: Shuffle gives %v, want %v", name, a, w)
			}
		}
	}
}
