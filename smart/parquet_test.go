package smart_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/smart"
)

// TestSourceReadsParquet reads two days that pyarrow wrote: columns in another
// order and of other types, a nested one that is passed over, a row group a row.
func TestSourceReadsParquet(t *testing.T) {
	var bad []string
	opt := smart.Options{Attributes: []smart.Attribute{smart.Raw(5), smart.Raw(188)}, MaxBad: .5,
		Quarantine: func(b smart.BadRow) { bad = append(bad, fmt.Sprint(b.File, " ", b.Line, " ", b.Reason)) }}
	src, err := smart.Open(context.Background(), "testdata/parquet", opt)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, src)
	want := []string{
		"2024-01-01 A ST4000DM000 4.000787030016e+12 false [3 2]",
		"2024-01-01 B WDC WD40EFRX NaN true [NaN NaN]",
		"2024-01-02 A  NaN false [4 NaN]",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if want := []string{"testdata/parquet/2024-01-01.parquet 4 serial_number is empty"}; !slices.Equal(bad, want) {
		t.Errorf("set aside %q", bad)
	}
	if !smart.IsBackblaze("testdata/parquet") {
		t.Error("not taken for drive statistics")
	}
}
