package local_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func (b *bench) schedule(now time.Time, yaml string) {
	b.t.Helper()
	b.write("schedule.yml", yaml)
	d, err := job.Open(filepath.Join(b.dir, "schedule.yml"))
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := local.Register(b.t.Context(), b.cfg.Catalog, d, now); err != nil {
		b.t.Fatal(err)
	}
}

const nightly = `
$schema: https://azuremlschemas.azureedge.net/latest/schedule.schema.json
name: nightly
trigger: {type: cron, expression: "30 2 * * *", time_zone: W. Europe Standard Time}
create_job: {type: command, job: ./nightly.yml, inputs: {n: 7}}
`

func TestSchedulesFireOnce(t *testing.T) {
	for _, c := range []struct {
		missed local.Missed
		want   string
	}{
		{"", "20260328T013000Z 20260331T003000Z"},
		{local.MissedAll, "20260328T013000Z 20260329T013000Z 20260330T003000Z 20260331T003000Z"},
		{local.MissedSkip, "20260328T013000Z"},
	} {
		b := newBench(t)
		b.write("nightly.yml", "command: echo ${{inputs.n}}\ninputs: {n: 1}\n")
		now := time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)
		b.schedule(now, nightly)
		s := &local.Scheduler{
			Options: local.CreateOptions{Store: b.store, Catalog: b.cfg.Catalog, WorkDir: b.cfg.WorkDir, Cluster: "cpu", Runner: func(string) error { return nil }},
			Missed:  c.missed, Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
		}
		// on time, again at once, and after three nights without a scheduler
		for _, at := range []string{"2026-03-27T12:00:00Z", "2026-03-28T01:30:00Z", "2026-03-28T01:30:01Z", "2026-03-31T06:00:00Z", "2026-03-31T06:00:00Z"} {
			var err error
			if now, err = time.Parse(time.RFC3339, at); err != nil {
				t.Fatal(err)
			}
			next, err := s.Tick(t.Context())
			if err != nil || !next.After(now) {
				t.Fatalf("at %s: next %s, %v", at, next, err)
			}
		}
		list, err := b.store.List(t.Context(), job.Query{})
		if err != nil {
			t.Fatal(err)
		}
		var fired []string
		for i := range list {
			fired = append(fired, strings.TrimPrefix(list[len(list)-1-i].Name, "nightly_"))
		}
		if got := strings.Join(fired, " "); got != c.want {
			t.Errorf("missed %q: fired at %s, want %s", c.missed, got, c.want)
		}
		b.run()
		if got := b.log("nightly_20260328T013000Z"); got != "7\n" {
			t.Errorf("log = %q, want the changed input", got)
		}
	}
}

func TestDisabledScheduleIsQuiet(t *testing.T) {
	b := newBench(t)
	b.write("nightly.yml", "command: echo\n")
	now := time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)
	b.schedule(now, nightly)
	if err := local.EnableSchedule(t.Context(), b.cfg.Catalog, b.cfg.WorkDir, "nightly", false, now); err != nil {
		t.Fatal(err)
	}
	later := now.AddDate(0, 0, 9)
	s := &local.Scheduler{Options: local.CreateOptions{Store: b.store, Catalog: b.cfg.Catalog, WorkDir: b.cfg.WorkDir}, Now: func() time.Time { return later }, Logger: slog.New(slog.DiscardHandler)}
	if next, err := s.Tick(t.Context()); err != nil || !next.IsZero() {
		t.Errorf("next %s, %v", next, err)
	}
	list, err := local.Schedules(t.Context(), b.cfg.Catalog, later)
	if err != nil || len(list) != 1 || list[0].Enabled {
		t.Errorf("Schedules = %+v, %v", list, err)
	}
	if err := local.EnableSchedule(t.Context(), b.cfg.Catalog, b.cfg.WorkDir, "nightly", true, later); err != nil {
		t.Fatal(err)
	}
	if next, err := s.Tick(t.Context()); err != nil || next.IsZero() {
		t.Errorf("enabled: next %s, %v", next, err)
	}
	if n, err := b.store.Count(t.Context(), job.Query{}); err != nil || n != 0 {
		t.Errorf("%d jobs, %v: what was missed while off stays missed", n, err)
	}
}
