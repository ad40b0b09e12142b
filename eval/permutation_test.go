package eval_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval"
)

// scoreOf returns the negative mean squared error of 3·x0 + x1 for y.
func scoreOf(y []float64) func([]float64) float64 {
	return func(x []float64) float64 {
		sum := 0.0
		for i, v := range y {
			d := v - 3*x[3*i] - x[3*i+1]
			sum += d * d / float64(len(y))
		}
		return -sum
	}
}

func normal(n int) (x, y []float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		a, b, c := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		x, y = append(x, a, b, c), append(y, 3*a+b)
	}
	return x, y
}

// TestPermutationOfALinearModel: shuffling column j of independent columns raises
// the squared error by twice its variance times its squared weight (after Fisher,
// Rudin and Dominici, 2019, on linear models).
func TestPermutationOfALinearModel(t *testing.T) {
	x, y := normal(20_000)
	before := append([]float64(nil), x...)
	var want *eval.Reliance
	for _, workers := range []int{1, 2, 8} {
		got, err := eval.Permutation{Repeats: 6, Seed: 5, Workers: workers}.Importance(context.Background(), x, 3, scoreOf(y))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers give another answer", workers)
		}
	}
	if !reflect.DeepEqual(before, x) {
		t.Error("the rows were changed")
	}
	if math.Abs(want.Baseline) > 1e-20 || want.Mean[2] != 0 || math.Abs(want.Mean[0]-18) > .5 || math.Abs(want.Mean[1]-2) > .1 || want.Std[0] == 0 || want.Std[0] > .5 {
		t.Errorf("baseline %v, drops %v ± %v", want.Baseline, want.Mean, want.Std)
	}
	other, _ := eval.Permutation{Repeats: 6, Seed: 6}.Importance(context.Background(), x, 3, scoreOf(y))
	if reflect.DeepEqual(other.Mean, want.Mean) {
		t.Error("another seed gives the same answer")
	}
}

func TestPermutationRefuses(t *testing.T) {
	x, y := normal(10)
	for name, try := range map[string]func() error{
		"columns": func() error {
			_, err := eval.Permutation{}.Importance(context.Background(), x, 4, scoreOf(y))
			return err
		},
		"no rows": func() error {
			_, err := eval.Permutation{}.Importance(context.Background(), nil, 3, scoreOf(y))
			return err
		},
		"repeats": func() error {
			_, err := eval.Permutation{Repeats: -1}.Importance(context.Background(), x, 3, scoreOf(y))
			return err
		},
		"baseline": func() error {
			_, err := eval.Permutation{}.Importance(context.Background(), x, 3, func([]float64) float64 { return math.NaN() })
			return err
		},
	} {
		if err := try(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := (eval.Permutation{}).Importance(ctx, x, 3, scoreOf(y)); !errs.Is(err, errs.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func ExamplePermutation() {
	// Drives: hours of work, temperature. Only the hours decide.
	x := []float64{100, 30, 200, 45, 9000, 31, 9500, 44, 300, 38, 9900, 33}
	failed := []int{0, 0, 1, 1, 0, 1}
	auc := func(x []float64) float64 {
		hours := make([]float64, len(failed))
		for i := range hours {
			hours[i] = x[2*i]
		}
		return eval.AUC(failed, hours)
	}
	r, err := eval.Permutation{Repeats: 20, Seed: 1}.Importance(context.Background(), x, 2, auc)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("AUC %.1f; without hours %.1f, without temperature %.1f\n", r.Baseline, r.Baseline-r.Mean[0], r.Baseline-r.Mean[1])
	// Output: AUC 1.0; without hours 0.5, without temperature 1.0
}
