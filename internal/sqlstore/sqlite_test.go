package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/sqlstore/storetest"
)

func openFile(t *testing.T, file string) *sqlstore.DB {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+file, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		db := openFile(t, filepath.Join(t.TempDir(), "store.db"))
		return storetest.Stores{Tracking: db.Tracking(), Registry: db.Registry(), Auth: db.Auth()}
	})
}

func TestMemory(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), "sqlite://", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Tracking().Experiment(t.Context(), "0"); err != nil {
		t.Error(err)
	}
}

func TestOpenAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "store.db")
	for range 2 {
		db := openFile(t, file)
		if _, err := db.Tracking().Experiment(t.Context(), "0"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	rubbish := filepath.Join(dir, "rubbish.db")
	if err := os.WriteFile(rubbish, []byte("this is no database, whatever its name says; it is long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	for uri, kind := range map[string]errs.Kind{
		"sqlite:///" + rubbish: errs.Invalid, "mysql://x/y": errs.Usage, "store.db": errs.Usage, "sqlite:///" + dir: errs.Denied,
	} {
		db, err := sqlstore.Open(t.Context(), uri, sqlstore.Options{})
		if err == nil {
			db.Close()
		}
		if !errs.Is(err, kind) {
			t.Errorf("%s: got %v, want an error of kind %v", uri, err, kind)
		}
	}
}

func TestNewerDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	db := openFile(t, file)
	err := db.Update(t.Context(), func(tx *sqlstore.Tx) error {
		_, err := tx.Exec("INSERT INTO schema_migrations (version, name, applied) VALUES (9999, 'later', 0)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := sqlstore.Open(t.Context(), "sqlite:///"+file, sqlstore.Options{}); !errs.Is(err, errs.State) {
		t.Errorf("got %v, want a refusal", err)
	}
}
