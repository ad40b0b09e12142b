package eval_test

import (
	"context"
	"fmt"

	"github.com/drivecast/drivecast/eval"
)

// Six drives, three of which failed, with the risks that a model gave them.
var (
	failed = []int{0, 0, 1, 0, 1, 1}
	risks  = []float64{.05, .2, .35, .4, .8, .9}
)

func ExampleRank() {
	r, err := eval.Rank(failed, risks, nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("AUC %.3f, average precision %.3f\n", r.AUC(), r.AveragePrecision())
	p := r.AtFalseAlarm(0)
	fmt.Printf("without a false alarm, %.0f %% of failures are found at threshold %g\n", 100*p.Detection, p.Threshold)
	// Output:
	// AUC 0.889, average precision 0.917
	// without a false alarm, 67 % of failures are found at threshold 0.8
}

func ExampleNewTable() {
	t, err := eval.NewTable([]int{0, 1, 2, 2, 1}, []int{0, 2, 2, 2, 1}, 3, nil)
	if err != nil {
		panic(err)
	}
	fmt.Printf("accuracy %.2f, macro F1 %.3f, MCC %.3f\n", t.Accuracy(), t.F1(eval.Macro), t.MCC())
	// Output: accuracy 0.80, macro F1 0.822, MCC 0.735
}

func ExampleForecast() {
	f := eval.Binary(failed, risks, nil)
	if err := f.Check(); err != nil {
		panic(err)
	}
	fmt.Printf("log loss %.3f, Brier %.3f, skill %.2f\n", f.LogLoss(), f.Brier(), f.D2Brier())
	// Output: log loss 0.361, Brier 0.113, skill 0.55
}

func ExampleRanking_Cheapest() {
	r, _ := eval.Rank(failed, risks, nil)
	at, cost := r.Cheapest(1, 20) // a needless swap costs 1, a lost drive 20
	fmt.Printf("swap from %.2f on: %.2f a drive\n", at.Threshold, cost)
	fmt.Printf("were the risks calibrated, swap from %.3f on\n", eval.CostThreshold(1, 20))
	// Output:
	// swap from 0.35 on: 0.17 a drive
	// were the risks calibrated, swap from 0.048 on
}

func ExampleFitIsotonic() {
	f, err := eval.FitIsotonic(risks, []float64{0, 0, 1, 0, 1, 1}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(f.At(.1), f.At(.37), f.At(.95))
	// Output: 0 0.5 1
}

func ExampleBootstrap() {
	auc := func(rows []int) float64 {
		y, s := make([]int, len(rows)), make([]float64, len(rows))
		for i, r := range rows {
			y[i], s[i] = failed[r], risks[r]
		}
		return eval.AUC(y, s)
	}
	b := eval.Bootstrap{Seed: 42, Samples: 500}
	v, err := b.Interval(context.Background(), len(failed), auc)
	if err != nil {
		panic(err)
	}
	fmt.Printf("AUC %.2f, of six drives one cannot tell: from %.2f to %.2f\n", v.Value, v.Low, v.High)
	// Output: AUC 0.89, of six drives one cannot tell: from 0.50 to 1.00
}

func ExampleCompareAUC() {
	worse := []float64{.3, .2, .1, .4, .5, .9}
	c, err := eval.CompareAUC(failed, risks, worse, .95)
	if err != nil {
		panic(err)
	}
	fmt.Printf("AUC %.2f against %.2f, p = %.2f\n", c.A, c.B, c.P)
	// Output: AUC 0.89 against 0.67, p = 0.37
}
