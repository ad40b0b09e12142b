package native

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/tree"
)

// chain returns a tree of n inner nodes in a chain, each with a leaf at its left.
func chain(n, classes int, r *rand.Rand) *tree.Tree {
	t := &tree.Tree{Outputs: classes}
	for i := range 2*n + 1 {
		inner := i%2 == 0 && i < 2*n
		l, rt, f, th := int32(-1), int32(-1), int32(-2), -2.0
		if inner {
			l, rt, f, th = int32(i+1), int32(i+2), int32(r.IntN(3)), r.NormFloat64()
		}
		t.Left, t.Right = append(t.Left, l), append(t.Right, rt)
		t.Feature, t.Threshold = append(t.Feature, f), append(t.Threshold, th)
		t.Impurity, t.Samples, t.Weight = append(t.Impurity, r.Float64()), append(t.Samples, int64(i)), append(t.Weight, r.Float64())
		t.MissingLeft = append(t.MissingLeft, i%3 == 0)
		for range classes {
			t.Value = append(t.Value, r.Float64())
		}
	}
	return t
}

func sample(classes int) *tree.Forest {
	r := rand.New(rand.NewPCG(1, 2))
	f := &tree.Forest{NumInput: 3}
	for c := range classes {
		f.Labels = append(f.Labels, float64(c))
	}
	for i := range 5 {
		f.Trees = append(f.Trees, chain(3+i, max(classes, 1), r))
	}
	return f
}

func TestRoundTrip(t *testing.T) {
	for _, want := range []any{
		sample(2), sample(3), sample(0),
		&linear.Logistic{Coef: [][]float64{{1, -2, math.Pi}}, Intercept: []float64{.5}, Labels: []float64{0, 1}},
		&linear.Logistic{Coef: [][]float64{{1}, {2}, {3}}, Intercept: []float64{4, 5, math.Inf(1)}, Labels: []float64{-1, 0, 7.5}},
		&linear.Regression{Coef: []float64{1, -2, math.Pi}, Intercept: .5, Rank: 3}, &linear.Regression{Coef: []float64{1}, Mean: []float64{7}},
		&linear.Logistic{Coef: [][]float64{{1, 2}}, Intercept: []float64{4}, Labels: []float64{0, 1}, Mean: []float64{3, -1}, Fill: []float64{0, 9}},
	} {
		file, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T came back different", want)
		}
		again, _ := Encode(got)
		if !bytes.Equal(again, file) {
			t.Errorf("%T: equal models gave other bytes", want)
		}
	}
}

func TestEveryDamagedByteIsNoticed(t *testing.T) {
	file, err := Encode(sample(2))
	if err != nil {
		t.Fatal(err)
	}
	missed := 0
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 0x41
		if _, err := Decode(bad); err == nil {
			missed++
		}
	}
	if missed > 4+8*len("arrays_n") { // the reserved word and the gaps between arrays
		t.Errorf("%d damaged bytes of %d went unnoticed", missed, len(file))
	}
	for n := range len(file) {
		if _, err := Decode(file[:n]); err == nil {
			t.Fatalf("a file cut to %d of %d bytes opened", n, len(file))
		}
	}
}

func TestNewerVersionIsUnsupported(t *testing.T) {
	file, _ := Encode(sample(2))
	file[8] = Version + 1
	if _, err := Decode(file); !errs.Is(err, errs.Unsupported) {
		t.Errorf("got %v", err)
	}
	if _, err := Encode("text"); !errs.Is(err, errs.Unsupported) {
		t.Errorf("got %v", err)
	}
}

func TestTreesThatCannotBeWalkedAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*tree.Tree){
		"cycle":           func(t *tree.Tree) { t.Left[2] = 0 },
		"child too large": func(t *tree.Tree) { t.Right[2] = 1000 },
		"one child":       func(t *tree.Tree) { t.Left[2] = -1 },
		"column":          func(t *tree.Tree) { t.Feature[0] = 3 },
		"threshold":       func(t *tree.Tree) { t.Threshold[0] = math.NaN() },
		"value":           func(t *tree.Tree) { t.Value = t.Value[1:] },
	} {
		f := sample(2)
		spoil(f.Trees[1])
		if _, err := Encode(f); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range []any{sample(2), &linear.Regression{Coef: []float64{1}}, &linear.Logistic{Coef: [][]float64{{1}}, Intercept: []float64{0}, Labels: []float64{0, 1}}} {
		file, _ := Encode(m)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Decode(file)
		if err != nil {
			return
		}
		e := m.(interface {
			Features() int
			Classes() []float64
			Scores(dst, x []float64)
		})
		if e.Features() < 1000 {
			e.Scores(make([]float64, max(len(e.Classes()), 1)), make([]float64, e.Features()))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	f := &tree.Forest{NumInput: 3, Labels: []float64{0, 1}}
	for range 100 {
		f.Trees = append(f.Trees, chain(103, 2, r))
	}
	file, _ := Encode(f)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := Decode(file); err != nil {
			b.Fatal(err)
		}
	}
}
