package tune

import (
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/smart"
)

// FuzzParseSplit wants a usage error, or a splitter that refuses rows or divides
// them into folds whose sides have no row in common.
func FuzzParseSplit(f *testing.F) {
	for _, s := range []string{"kfold:3", "stratified:2:shuffle", "group:3", "shuffle:4:0.3", "group-shuffle:2:0.5", "series:3:1", "time:2:4", "stratified-shuffle:1:0.2"} {
		f.Add(s)
	}
	rows, daily := &train.Rows{}, &train.Rows{Horizon: 2}
	for i := range 24 {
		rows.Row, rows.Y, rows.IDs = append(rows.Row, 23-i), append(rows.Y, float64(i%2)), append(rows.IDs, string(rune('A'+i%6)))
		daily.Days = append(daily.Days, smart.Date(15000+i))
	}
	daily.Row, daily.Y, daily.IDs = rows.Row, rows.Y, rows.IDs
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSplit(text, 5)
		if err != nil {
			if !errs.Is(err, errs.Usage) {
				t.Errorf("%q: %v is no usage error", text, err)
			}
			return
		}
		for _, r := range []*train.Rows{rows, daily} {
			folds, err := s.Folds(r)
			if err != nil {
				if k := errs.KindOf(err); k != errs.Usage && k != errs.Invalid {
					t.Errorf("%q: %v is of kind %s", text, err, k)
				}
				continue
			}
			for i, fold := range folds {
				seen := map[int]bool{}
				for _, k := range append(append([]int{}, fold.Train...), fold.Test...) {
					if seen[k] || k < 0 || k >= len(r.Y) {
						t.Fatalf("%q: fold %d has row %d twice, or there is no such row", text, i+1, k)
					}
					seen[k] = true
				}
				if len(fold.Train) == 0 || len(fold.Test) == 0 {
					t.Errorf("%q: fold %d has an empty side", text, i+1)
				}
			}
		}
	})
}
