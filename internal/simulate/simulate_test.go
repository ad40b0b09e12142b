package simulate

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

func TestDefaultFleet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "fleet")
	began := time.Now()
	rep, err := Write(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v in %v", rep, time.Since(began))
	again, err := ReadReport(dir)
	if err != nil || again.OracleAUC != rep.OracleAUC || again.Rows != rep.Rows {
		t.Errorf("report read back: %+v, %v", again, err)
	}
	rows, failures := 0, 0.0
	for day := range rep.Options.Days {
		path := filepath.Join(dir, rep.Options.Start.AddDate(0, 0, day).Format(time.DateOnly)+".csv")
		tab, err := table.ReadFile(context.Background(), path, table.ReadOptions{Columns: []string{"failure", "smart_5_raw"}})
		if err != nil {
			t.Fatal(err)
		}
		rows += tab.Rows()
		for _, v := range tab.Column("failure").Floats {
			failures += v
		}
	}
	if rows != rep.Rows || failures != float64(rep.Failures) {
		t.Errorf("files hold %d rows and %v failures, the report says %d and %d", rows, failures, rep.Rows, rep.Failures)
	}
}

// TestEveryFleetIsHardAndFair looks at a few seeds: enough failures, about a
// quarter without warning, and no easy world.
func TestEveryFleetIsHardAndFair(t *testing.T) {
	failures, unwarned := 0, 0
	for seed := range uint64(4) {
		rep := run(Options{Seed: 40 + seed})
		t.Logf("seed %d: %d failures, %d unwarned, %d left, oracle %.3f", 40+seed, rep.Failures, rep.Unwarned, rep.Left, rep.OracleAUC)
		if rep.OracleAUC < .85 || rep.OracleAUC > .94 || rep.Failures < 60 || rep.Left < 10 || rep.Drives < Defaults.Drives+20 {
			t.Errorf("seed %d: %+v", 40+seed, rep)
		}
		failures, unwarned = failures+rep.Failures, unwarned+rep.Unwarned
	}
	if share := float64(unwarned) / float64(failures); share < .2 || share > .3 {
		t.Errorf("%.2f of the failures come without warning", share)
	}
}

func run(opt Options) Report {
	opt, _ = opt.filled()
	f := newFleet(opt)
	for day := range opt.Days {
		f.live(day, "2025-01-01")
	}
	return f.report()
}

func TestSameSeedSameBytes(t *testing.T) {
	var sums []string
	for _, seed := range []uint64{1, 1, 2} {
		dir := filepath.Join(t.TempDir(), "f")
		if _, err := Write(context.Background(), dir, Options{Drives: 50, Days: 20, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		sum, err := table.HashPath(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	if sums[0] != sums[1] || sums[0] == sums[2] {
		t.Errorf("hashes %v: the first two are of one seed", sums)
	}
}

// TestRiskIsTheShareThatFails plays many drives of one kind forward and counts.
func TestRiskIsTheShareThatFails(t *testing.T) {
	const n, horizon = 40_000, 7
	opt, _ := Options{Seed: 3}.filled()
	for _, c := range []condition{wearing, failing} {
		sum, failed := 0.0, 0.0
		for i := range n {
			d := newDrive(opt.Seed, i, 0, false)
			d.now = c
			sum += d.risk(c, 0, horizon)
			dead := d.Float64() < death(d.factor(0))[c]
			for day := 1; day <= horizon && !dead; day++ {
				dead = d.advance(day, 24)
			}
			if dead {
				failed++
			}
		}
		p := sum / n
		if err := math.Abs(failed/n - p); err > 4*math.Sqrt(p*(1-p)/n) {
			t.Errorf("condition %d: %.4f failed, %.4f was foretold", c, failed/n, p)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), dir, Options{Drives: 5, Days: 2}); !errs.Is(err, errs.Exists) {
		t.Errorf("a full folder: %v", err)
	}
	if _, err := Write(context.Background(), filepath.Join(dir, "x"), Options{Days: -1}); !errs.Is(err, errs.Invalid) {
		t.Errorf("minus one day: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	opt := Options{Drives: 5, Days: 9, Progress: func(day, _ int) {
		if day == 4 {
			cancel()
		}
	}}
	if _, err := Write(ctx, filepath.Join(dir, "y"), opt); !errs.Is(err, errs.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("left behind: %v", names)
	}
}
