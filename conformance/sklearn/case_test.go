package sklearn

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
)

// fitCase is one fit by scikit-learn.
type fitCase struct {
	Name, Estimator     string
	Params              map[string]any
	Rows, Cols, Classes int
	Arrays              map[string]struct{ At, N int }

	body []byte
}

// compareAll compares n fits and all splits that a scikit-learn wrote, prints how
// many agree and fails on the first that does not.
func compareAll(t *testing.T, version string, files fs.FS, n int, compat tree.Compat) {
	t.Helper()
	trees, nodes := 0, 0
	for i := range n {
		c := readCase(t, files, i)
		f := c.fit(t, compat)
		if diff := c.compare(f); diff != "" {
			t.Fatalf("case %d of %d (%s, %s, %v, %d×%d): %s; %d agreed before it", i, n, c.Estimator, c.Name, c.Params, c.Rows, c.Cols, diff, i)
		}
		trees += len(f.Trees)
		for _, g := range f.Trees {
			nodes += len(g.Left)
		}
	}
	fmt.Printf("scikit-learn %s: %d of %d fits agree: %d trees, %d nodes, every field of each\n", version, n, n, trees, nodes)
	compareSplits(t, version, files)
}

func readCase(t *testing.T, files fs.FS, i int) *fitCase {
	t.Helper()
	name := strconv.Itoa(i)
	head, err := fs.ReadFile(files, name+".json")
	if err != nil {
		t.Fatal(err)
	}
	c := &fitCase{}
	if err := json.Unmarshal(head, c); err != nil {
		t.Fatal(err)
	}
	if c.body, err = fs.ReadFile(files, name+".bin"); err != nil {
		t.Fatal(err)
	}
	return c
}

// array returns one array of the case, nil when there is none of that name.
func array[T float64 | int32](c *fitCase, name string) []T {
	a, ok := c.Arrays[name]
	if !ok {
		return nil
	}
	out := make([]T, a.N)
	if _, err := binary.Decode(c.body[a.At:], binary.LittleEndian, out); err != nil {
		panic(err)
	}
	return out
}

func (c *fitCase) fit(t *testing.T, compat tree.Compat) *tree.Forest {
	t.Helper()
	o := c.options()
	o.Compat = compat
	x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: array[float64](c, "X")}
	f, err := tree.Fit(context.Background(), x, array[float64](c, "Y"), array[float64](c, "W"), o)
	if err != nil {
		t.Fatalf("%s, %s, %v: %v", c.Estimator, c.Name, c.Params, err)
	}
	return f
}

// compare says what differs, "" when nothing does.
func (c *fitCase) compare(f *tree.Forest) string {
	var all tree.Tree
	var nodes []int32
	var missing []int32
	for _, g := range f.Trees {
		nodes = append(nodes, int32(len(g.Left)))
		all.Left = append(all.Left, g.Left...)
		all.Right = append(all.Right, g.Right...)
		all.Feature = append(all.Feature, g.Feature...)
		all.Threshold = append(all.Threshold, g.Threshold...)
		all.Impurity = append(all.Impurity, g.Impurity...)
		all.Samples = append(all.Samples, g.Samples...)
		all.Weight = append(all.Weight, g.Weight...)
		all.Value = append(all.Value, g.Value...)
		for _, m := range g.MissingLeft {
			missing = append(missing, map[bool]int32{true: 1}[m])
		}
	}
	var samples []int32
	for _, n := range all.Samples {
		samples = append(samples, int32(n))
	}
	answer := array[float64](c, "Answer")
	got := make([]float64, len(answer))
	x := &table.Matrix{Rows: c.Rows, Cols: c.Cols, Data: array[float64](c, "X")}
	f.Scores(got, x.RowMajor()[:len(answer)/max(1, c.Classes)*c.Cols])
	for _, d := range []string{
		same("node counts", nodes, array[int32](c, "Nodes")),
		same("features", all.Feature, array[int32](c, "Feature")),
		same("left children", all.Left, array[int32](c, "Left")),
		same("right children", all.Right, array[int32](c, "Right")),
		same("samples", samples, array[int32](c, "Samples")),
		same("thresholds", all.Threshold, array[float64](c, "Threshold")),
		same("weights", all.Weight, array[float64](c, "Weight")),
		same("values", all.Value, array[float64](c, "Value")),
		same("impurities", all.Impurity, array[float64](c, "Impurity")),
		near("answers", got, answer),
		near("importances", f.Importances(), array[float64](c, "Importances")),
	} {
		if d != "" {
			return d
		}
	}
	if want := array[int32](c, "MissingLeft"); want != nil {
		if d := same("sides of missing values", missing, want); d != "" {
			return d
		}
	}
	if f.OOB == nil {
		return ""
	}
	if d := near("out-of-bag scores", []float64{f.OOB.Score}, array[float64](c, "OOB")); d != "" {
		return d
	}
	return near("out-of-bag answers", f.OOB.Decision, array[float64](c, "Decision"))
}

func same[T int32 | float64](what string, got, want []T) string {
	if slices.Equal(got, want) {
		return ""
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d %s, want %d", len(got), what, len(want))
	}
	for i, w := range want {
		if got[i] != w {
			return fmt.Sprintf("%s: number %d of %d is %v, want %v", what, i, len(want), got[i], w)
		}
	}
	return ""
}

func near(what string, got, want []float64) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d %s, want %d", len(got), what, len(want))
	}
	for i, w := range want {
		if d := math.Abs(got[i] - w); !(d <= 1e-12*max(1, math.Abs(w))) && !(math.IsNaN(w) && math.IsNaN(got[i])) {
			return fmt.Sprintf("%s: number %d of %d is %v, want %v", what, i, len(want), got[i], w)
		}
	}
	return ""
}
