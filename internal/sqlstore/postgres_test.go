//go:build services

package sqlstore_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/jobtest"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/sqlstore/storetest"
)

var databases atomic.Int64

// newDatabase makes an empty database on the test server and returns its URI.
func newDatabase(t testing.TB, options string) string {
	t.Helper()
	server := os.Getenv("DRIVECAST_TEST_POSTGRES")
	if server == "" {
		t.Fatal("DRIVECAST_TEST_POSTGRES is not set; run conformance/services.sh go test -tags services")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), databases.Add(1))
	if _, err := db.Exec("CREATE DATABASE " + name + " " + options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func openPostgres(t testing.TB, uri string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), uri, sqlstore.Options{KeyFile: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgres(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		db := openPostgres(t, newDatabase(t, ""))
		return storetest.Stores{Tracking: db.Tracking(), Registry: db.Registry(), Auth: db.Auth()}
	})
}

func TestPostgresJobs(t *testing.T) {
	jobtest.Suite(t, func(t *testing.T) job.Store { return openPostgres(t, newDatabase(t, "")).Jobs() })
	jobtest.CatalogSuite(t, openPostgres(t, newDatabase(t, "")).Jobs())
}

// TestPostgresOpenTogether lets several servers bring one empty database up to
// date at once.
func TestPostgresOpenTogether(t *testing.T) {
	uri := newDatabase(t, "")
	failed := make(chan error, 6)
	for range cap(failed) {
		go func() {
			db, err := sqlstore.Open(t.Context(), strings.Replace(uri, "postgresql://", "postgresql+psycopg2://", 1), sqlstore.Options{})
			if err == nil {
				err = db.Close()
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestPostgresRefuses(t *testing.T) {
	uri := newDatabase(t, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	wrong := *u
	wrong.User = url.UserPassword("drivecast", "s3cret-wrong")
	missing := *u
	missing.Path = "/nobody"
	away := *u
	away.Host = "127.0.0.1:1"
	for uri, kind := range map[string]errs.Kind{uri: errs.State, wrong.String(): errs.Denied, missing.String(): errs.NotFound, away.String(): errs.Unavailable} {
		db, err := sqlstore.Open(t.Context(), uri, sqlstore.Options{})
		if err == nil {
			db.Close()
		}
		if !errs.Is(err, kind) || strings.Contains(fmt.Sprint(err), "s3cret") || strings.Contains(fmt.Sprint(err), ":drivecast@") {
			t.Errorf("%s: got %v, want an error of kind %v without the password", uri, err, kind)
		}
	}
}
