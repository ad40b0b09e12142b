package backup

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

func openDB(t *testing.T, uri string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), uri, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func openFiles(t *testing.T) *artifact.Folder {
	t.Helper()
	f, err := artifact.OpenContent(filepath.Join(t.TempDir(), "files"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// fill records a little of everything.
func fill(t *testing.T, db *sqlstore.DB, files artifact.Store) {
	t.Helper()
	now := func() time.Time { return time.UnixMilli(1_800_000_000_000) }
	runs := tracking.New(db.Tracking(), "mlflow-artifacts:", now, 1)
	if err := runs.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r, err := runs.CreateRun(t.Context(), tracking.NewRun{Name: fmt.Sprint("Übung \n", i)})
		if err != nil {
			t.Fatal(err)
		}
		b := tracking.Batch{Params: []tracking.Tag{{Key: "p", Value: "a\"b\\c<é>\u2028"}}}
		for step := range int64(500) {
			b.Metrics = append(b.Metrics, tracking.Metric{Key: "m", Value: []float64{math.NaN(), 1e300, 5e-324, -0.1, 3}[step%5], Timestamp: step, Step: math.MaxInt64 - step})
		}
		if err := runs.Log(t.Context(), r.ID, b); err != nil {
			t.Fatal(err)
		}
		text := strings.Repeat("same content", 1000)
		if err := files.Put(t.Context(), "0/"+r.ID+"/artifacts/model/a b.bin", strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatal(err)
		}
	}
	models := registry.New(db.Registry(), nil, now)
	if _, err := models.CreateModel(t.Context(), "m", "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := models.CreateVersion(t.Context(), registry.NewVersion{Name: "m", Source: "s3://b/x"}); err != nil {
		t.Fatal(err)
	}
	if err := models.SetAlias(t.Context(), "m", "champion", "1"); err != nil {
		t.Fatal(err)
	}
}

// rows returns every row of a database, sorted.
func rows(t *testing.T, db *sqlstore.DB) []string {
	t.Helper()
	var out []string
	_, err := db.Dump(t.Context(), func(c sqlstore.Chunk) error {
		for line := range bytes.Lines(c.Rows) {
			out = append(out, c.Table+string(line))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func listing(t *testing.T, s artifact.Store) (out []string) {
	t.Helper()
	if err := artifact.Walk(t.Context(), s, "", func(p string, e artifact.Entry) error { out = append(out, fmt.Sprint(p, e.Size)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// carry writes a backup and restores it to another database and store.
func carry(t *testing.T, from *sqlstore.DB, files artifact.Store, to string) (*sqlstore.DB, artifact.Store) {
	t.Helper()
	archive := filepath.Join(t.TempDir(), "b.drivecast")
	written, err := Write(t.Context(), archive, from, Places{"artifacts": files}, time.UnixMilli(5))
	if err != nil {
		t.Fatal(err)
	}
	other := openFiles(t)
	read, err := Restore(t.Context(), archive, Target{URI: to, Places: Places{"artifacts": other}})
	if err != nil {
		t.Fatal(err)
	}
	if read.Files != written.Files || written.Files != 3 || read.Dump.String() != written.Dump.String() {
		t.Errorf("wrote %+v, read %+v", written.Dump, read.Dump)
	}
	db := openDB(t, to)
	if got, want := rows(t, db), rows(t, from); !slices.Equal(got, want) {
		t.Errorf("%d rows came back as %d others", len(want), len(got))
	}
	if got, want := listing(t, other), listing(t, files); !slices.Equal(got, want) {
		t.Errorf("files: got %v, want %v", got, want)
	}
	return db, other
}

func TestThereAndBack(t *testing.T) {
	from, files := openDB(t, "sqlite:///"+filepath.Join(t.TempDir(), "a.db")), openFiles(t)
	fill(t, from, files)
	db, _ := carry(t, from, files, "sqlite:///"+filepath.Join(t.TempDir(), "b.db"))
	// numbers go on behind those that were restored
	id, err := tracking.New(db.Tracking(), "x:", time.Now, 1).CreateExperiment(t.Context(), "next", "", nil)
	if err != nil || id != "1" {
		t.Errorf("the next experiment is %s, %v", id, err)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	uri := "sqlite:///" + filepath.Join(dir, "a.db")
	from, files := openDB(t, uri), openFiles(t)
	fill(t, from, files)
	archive := filepath.Join(dir, "b.drivecast")
	places := Places{"artifacts": files}
	if _, err := Write(t.Context(), archive, from, places, time.UnixMilli(5)); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), archive, from, places, time.UnixMilli(5)); !errs.Is(err, errs.Exists) {
		t.Errorf("a backup over another: %v", err)
	}
	before := rows(t, from)
	if _, err := Restore(t.Context(), archive, Target{URI: uri, Places: places}); !errs.Is(err, errs.Exists) {
		t.Errorf("a restore over files: %v", err)
	}
	if _, err := Restore(t.Context(), archive, Target{URI: uri, Places: Places{"artifacts": openFiles(t)}}); !errs.Is(err, errs.Exists) {
		t.Errorf("a restore over a database: %v", err)
	}
	sound, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	for i := range 40 {
		text := slices.Clone(sound)
		if at := len(text) * i / 40; i%2 == 0 {
			text = text[:at]
		} else {
			text[at] ^= 0x10
		}
		if err := os.WriteFile(broken, text, 0o600); err != nil {
			t.Fatal(err)
		}
		restoreDamaged(t, i, broken, before)
	}
}

// restoreDamaged wants a refusal that leaves nothing behind, or, where the
// compression has bits that mean nothing, what was written.
func restoreDamaged(t *testing.T, i int, broken string, want []string) {
	t.Helper()
	empty, file := openFiles(t), filepath.Join(t.TempDir(), "r.db")
	_, err := Restore(t.Context(), broken, Target{URI: "sqlite:///" + file, Places: Places{"artifacts": empty}})
	if err == nil && !slices.Equal(rows(t, openDB(t, "sqlite:///"+file)), want) {
		t.Errorf("damage %d: something else was restored", i)
	}
	if err == nil {
		return
	}
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("damage %d: %v", i, err)
	}
	if left := listing(t, empty); len(left) != 0 {
		t.Errorf("damage %d: files were restored: %v", i, left)
	}
	if _, err := os.Stat(file); err == nil {
		t.Errorf("damage %d: a database was made", i)
	}
}
