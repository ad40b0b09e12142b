package smart_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

func TestReadTellsDataApart(t *testing.T) {
	one := `{"smartctl":{"version":[7,4]},"device":{"protocol":"ATA"},"serial_number":"A"}`
	reports := folder(t, "a.json", one, "b.json.gz", gz(strings.ReplaceAll(one, `"A"`, `"B"`)), "many.jsonl", one+"\n"+one+"\n",
		"broken.json", one[:30], "notes.txt", "nothing of ours", ".hidden", "x")
	stats := folder(t, "2013-04-10.csv", head+"2013-04-10,S,ST1,1e12,0,100,1,2\n")
	for path, want := range map[string]string{
		reports: "A B A A", stats: "S", filepath.Join(reports, "b.json.gz"): "B", filepath.Join(stats, "2013-04-10.csv"): "S",
	} {
		var got, refused []string
		err := smart.Read(context.Background(), path, smart.Options{}, func(r *smart.Report) error {
			got = append(got, r.Serial)
			return nil
		}, func(err error) {
			var in *errs.Input
			if !errors.As(err, &in) {
				t.Fatalf("%s: %v", path, err)
			}
			refused = append(refused, filepath.Base(in.File))
		})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, %v; want %s", path, got, err, want)
		}
		if path == reports && !slices.Equal(refused, []string{"broken.json", "notes.txt"}) {
			t.Errorf("refused %v", refused)
		}
	}
	stop := errors.New("enough")
	n := 0
	err := smart.Read(context.Background(), reports, smart.Options{}, func(*smart.Report) error { n++; return stop }, func(error) {})
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("after an error of the caller: %v, %d reports", err, n)
	}
	for _, path := range []string{filepath.Join(reports, "none"), filepath.Join(reports, "notes.txt"), filepath.Join(reports, "broken.json")} {
		if err := smart.Read(context.Background(), path, smart.Options{}, nil, nil); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
