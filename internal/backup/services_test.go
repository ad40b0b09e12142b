//go:build services

package backup

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

func newDatabase(t *testing.T) string {
	t.Helper()
	server := os.Getenv("DRIVECAST_TEST_POSTGRES")
	u, err := url.Parse(server)
	if err != nil || server == "" {
		t.Fatal("DRIVECAST_TEST_POSTGRES is not set; run conformance/services.sh go test -tags services")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	u.Path = fmt.Sprintf("/backup%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := db.Exec("CREATE DATABASE " + u.Path[1:]); err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// TestAcross carries records from SQLite to PostgreSQL and back.
func TestAcross(t *testing.T) {
	from, files := openDB(t, "sqlite:///"+filepath.Join(t.TempDir(), "a.db")), openFiles(t)
	fill(t, from, files)
	uri := newDatabase(t)
	pg, more := carry(t, from, files, uri)
	id, err := tracking.New(pg.Tracking(), "x:", time.Now, 1).CreateExperiment(t.Context(), "next", "", nil)
	if err != nil || id != "1" {
		t.Errorf("the next experiment is %s, %v", id, err)
	}
	carry(t, pg, more, "sqlite:///"+filepath.Join(t.TempDir(), "b.db"))
	archive := filepath.Join(t.TempDir(), "b.drivecast")
	if _, err := Write(t.Context(), archive, from, nil, time.UnixMilli(5)); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), archive, Target{URI: uri}); !errs.Is(err, errs.Exists) {
		t.Errorf("a restore over a database: %v", err)
	}
	if _, err := Restore(t.Context(), archive, Target{URI: uri, Force: true}); err != nil {
		t.Error(err)
	}
	if _, err := pg.Tracking().Experiment(t.Context(), "1"); !errs.Is(err, errs.NotFound) {
		t.Errorf("what was made after the backup: %v", err)
	}
}
