package boosted

import (
	"math"
	"testing"

	"github.com/drivecast/drivecast/tree/kernel"
)

// stump is a model of one test of column 0, which missing values pass to the right.
func stump() *Model {
	t := kernel.Tree{Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1}, Feature: []int32{0, 0, 0},
		Threshold: []float64{1, 0, 0}, Value: []float64{0, 10, 20}, MissingLeft: []bool{false, false, false}}
	m := &Model{cols: 2, outputs: 1}
	m.raw = func(dst, row []float64) { dst[0] = t.Value[leafOf(&t, row)] }
	m.answer = func(dst, raw []float64) { dst[0] = raw[0] }
	return m
}

func TestValuesThatCountAsMissing(t *testing.T) {
	const tiny = 1e-50 // zero to float32
	for name, c := range map[string]struct {
		set  func(*Model)
		want [4]float64 // of 0, tiny, -1 and NaN
	}{
		"none":     {func(*Model) {}, [4]float64{10, 10, 10, 20}},
		"sparse":   {(*Model).Sparse, [4]float64{20, 10, 10, 20}},
		"zero":     {func(m *Model) { m.Absent(0) }, [4]float64{20, 20, 10, 20}},
		"minus":    {func(m *Model) { m.Absent(-1) }, [4]float64{10, 10, 20, 20}},
		"nan":      {func(m *Model) { m.Absent(math.NaN()) }, [4]float64{10, 10, 10, 20}},
		"category": {func(m *Model) { m.Codes = []Coded{{Column: 0, Values: []float64{5, -1, 0}}} }, [4]float64{20, 20, 20, 20}},
		"first":    {func(m *Model) { m.Codes = []Coded{{Column: 0, Values: []float64{0, 5, -1}}} }, [4]float64{10, 20, 20, 20}},
	} {
		m := stump()
		c.set(m)
		x := []float64{0, 9, tiny, 9, -1, 9, math.NaN(), 9}
		kept := append([]float64(nil), x...)
		got := make([]float64, 4)
		m.Scores(got, x)
		for i, v := range got {
			if v != c.want[i] {
				t.Errorf("%s: row %d is %v, not %v", name, i, v, c.want[i])
			}
			if x[2*i] != kept[2*i] && !math.IsNaN(kept[2*i]) {
				t.Errorf("%s: row %d was changed", name, i)
			}
		}
	}
}

func TestCategoriesOfPandas(t *testing.T) {
	head := block{"feature_infos": "[0:1] 0:1:2 0:1"}
	m := &Model{cols: 3}
	if err := m.lgbCategories(head, `pandas_categorical:[["blue", "red"], [7, 17]]`); err != nil {
		t.Fatal(err)
	}
	if len(m.Texts) != 1 || m.Texts[0].Column != 1 || len(m.Codes) != 1 || m.Codes[0].Column != 2 || m.Codes[0].Values[1] != 17 {
		t.Errorf("texts %v, codes %v", m.Texts, m.Codes)
	}
	for _, tail := range []string{`pandas_categorical:[["a"]]`, `pandas_categorical:[["a", 3], [1, 2]]`} {
		if err := (&Model{cols: 3}).lgbCategories(head, tail); err == nil {
			t.Errorf("%s is taken", tail)
		}
	}
	enc := []any{object{"values": []float64{}, "offsets": []float64{}}, object{"type": 15.0, "values": []float64{7, 17}},
		object{"offsets": []float64{0, 1, 3}, "values": []float64{'a', 'b', 'c'}}}
	texts, codes, err := xgboostNames(enc, 3)
	if err != nil || len(texts) != 1 || texts[0].Values[1] != "bc" || len(codes) != 1 || !codes[0].Strict {
		t.Errorf("texts %v, codes %v, %v", texts, codes, err)
	}
	if _, _, err := xgboostNames([]any{object{"offsets": []float64{0, 1}, "values": []float64{-61}}}, 1); err == nil {
		t.Error("a name that was cut is taken")
	}
	if _, _, err := xgboostNames([]any{object{"offsets": []float64{0, 9}, "values": []float64{65}}}, 1); err == nil {
		t.Error("a name outside the list is taken")
	}
}
