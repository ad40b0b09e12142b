package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/backup"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/objectstore"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// stores are where a server keeps its things, by the flags of `server`.
type stores struct{ backend, artifacts, root string }

func (s *stores) addTo(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.backend, "backend-store-uri", "sqlite:///"+strings.TrimPrefix(defaultDataDir, "./")+"/"+storeFile, "where records are kept")
	f.StringVar(&s.artifacts, "artifacts-destination", defaultDataDir+"/artifacts", "where files that go through the server are kept")
	f.StringVar(&s.root, "default-artifact-root", "", "the server's --default-artifact-root, when it has one")
}

// adminCommands are the commands below `server`.
func (a *app) adminCommands() []*cobra.Command {
	return []*cobra.Command{a.backupCommand(), a.restoreCommand(), a.gcCommand()}
}

// beforeMigration returns the backup that precedes a change of tables: of SQLite
// the copy that the store makes itself, of a server's database an archive of its
// records.
func (a *app) beforeMigration(backend string) func(context.Context, *sqlstore.DB, int) error {
	if strings.HasPrefix(backend, "sqlite:") {
		return nil
	}
	return func(ctx context.Context, db *sqlstore.DB, version int) error {
		file := filepath.Join(defaultDataDir, fmt.Sprintf("before-%d-%s.drivecast", version, a.now().UTC().Format("20060102T150405.000Z")))
		_, err := backup.Write(ctx, file, db, nil, a.now())
		if err == nil {
			fmt.Fprintf(a.stderr, "the tables of the database change; its records as they were are in %s\n", file)
		}
		return err
	}
}

// openKept opens a database that must be there: what is read or tidied up is not made.
func (a *app) openKept(ctx context.Context, backend string) (*sqlstore.DB, error) {
	if err := mustExist(backend); err != nil {
		return nil, err
	}
	return a.openStore(ctx, backend)
}

// mustExist returns an error of kind NotFound when backend is a file of SQLite that
// is not there.
func mustExist(backend string) error {
	rest, ok := strings.CutPrefix(backend, "sqlite:///")
	file, _, _ := strings.Cut(rest, "?")
	if !ok || file == "" {
		return nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, "%s: there is no such database; check --backend-store-uri", file)
	}
	return nil
}

func (a *app) openStore(ctx context.Context, backend string) (*sqlstore.DB, error) {
	if err := makeParent(backend); err != nil {
		return nil, err
	}
	return sqlstore.Open(ctx, backend, sqlstore.Options{KeyFile: keyFile(backend), BeforeMigration: a.beforeMigration(backend)})
}

// places opens the stores of files. The caller calls done.
func (a *app) places(s stores) (p backup.Places, done func(), err error) {
	p = backup.Places{}
	done = func() {
		for _, store := range p {
			_ = closeArtifacts(store)
		}
	}
	if p["artifacts"], err = a.openArtifacts(s.artifacts); err != nil {
		return nil, nil, err
	}
	if s.root == "" || strings.HasPrefix(s.root, "mlflow-artifacts:") {
		return p, done, nil
	}
	if objectstore.Is(s.root) {
		p["root"], err = objectstore.Open(s.root, a.getenv)
	} else {
		p["root"], err = artifact.OpenFolder(localPath(s.root))
	}
	if err != nil {
		delete(p, "root")
		done()
		return nil, nil, errs.Wrap(err, "open %s", s.root)
	}
	return p, done, nil
}

func (a *app) backupCommand() *cobra.Command {
	var s stores
	var out output
	c := &cobra.Command{Use: "backup FILE", Short: "Write records and files to one archive",
		Long: `Write the records and the files of a server, which may go on meanwhile, to one archive
with checksums. "server restore" brings it back, on any kind of database and store. The
key that seals the secrets of webhooks is not in it: keep it apart.`,
		Args: cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			db, err := a.openKept(c.Context(), s.backend)
			if err != nil {
				return err
			}
			defer db.Close()
			places, done, err := a.places(s)
			if err != nil {
				return err
			}
			defer done()
			index, err := backup.Write(c.Context(), args[0], db, places, a.now())
			if err != nil {
				return err
			}
			return a.printIndex(args[0], index, out)
		}}
	s.addTo(c)
	out.addTo(c)
	return c
}

func (a *app) printIndex(file string, index backup.Index, out output) error {
	if out == "json" {
		index.Entries = nil
		return a.printJSON(index)
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %s, and %d files of %d bytes, as of %s\n", file, index.Dump, index.Files, index.Bytes, index.Made.Format(time.RFC3339))
	return err
}

func (a *app) restoreCommand() *cobra.Command {
	var s stores
	var out output
	var force, check bool
	c := &cobra.Command{Use: "restore FILE", Short: "Bring records and files back from an archive",
		Long: `Check an archive of "server backup" and bring it back: files first, the database last
and whole. The server must not run meanwhile.`,
		Args: cli.ExactArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			index, err := backup.Check(c.Context(), args[0])
			if err != nil {
				return err
			}
			if check {
				return a.printIndex(args[0], index, out)
			}
			if err := makeParent(s.backend); err != nil {
				return err
			}
			places, done, err := a.places(s)
			if err != nil {
				return err
			}
			defer done()
			err = backup.Bring(c.Context(), args[0], index, backup.Target{URI: s.backend, Options: sqlstore.Options{KeyFile: keyFile(s.backend)}, Places: places, Force: force})
			if err != nil {
				return err
			}
			return a.printIndex(args[0], index, out)
		}}
	s.addTo(c)
	out.addTo(c)
	c.Flags().BoolVar(&force, "force", false, "replace the database, and files of the same paths")
	c.Flags().BoolVar(&check, "check", false, "only check the archive")
	return c
}

// collected is what gc removed, or would.
type collected struct {
	Runs        int   `json:"runs"`
	Experiments int   `json:"experiments"`
	Models      int   `json:"logged_models"`
	Files       int   `json:"files"`          // of them
	FileBytes   int64 `json:"file_bytes"`     // of them; equal contents are counted each time
	Unused      int64 `json:"unused_bytes"`   // contents that no file had any more
	Records     int64 `json:"database_bytes"` // that the database gave back
	Kept        int   `json:"kept"`           // deleted, and used by registered versions
	Elsewhere   int   `json:"elsewhere"`      // their files are where this server does not look
	DryRun      bool  `json:"dry_run"`
}

func (a *app) gcCommand() *cobra.Command {
	var s stores
	var out output
	var older string
	var dry bool
	c := &cobra.Command{Use: "gc", Short: "Remove deleted runs, experiments and models for good",
		Long: `Remove for good the runs, experiments and logged models that were deleted long enough
ago, with their files, and contents that no file has any more. What registered versions
were made from stays.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			age, err := parseAge(older)
			if err != nil {
				return err
			}
			db, err := a.openKept(c.Context(), s.backend)
			if err != nil {
				return err
			}
			defer db.Close()
			places, done, err := a.places(s)
			if err != nil {
				return err
			}
			defer done()
			got, err := collect(c.Context(), db, places, s.root, a.now().Add(-age).UnixMilli(), dry)
			if err != nil {
				return err
			}
			if out == "json" {
				return a.printJSON(got)
			}
			return a.printCollected(got)
		}}
	s.addTo(c)
	out.addTo(c)
	c.Flags().StringVar(&older, "older-than", "30d", "how long ago they were deleted at least: 30d, 12h, 1d6h30m")
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would be removed")
	return c
}

func (a *app) printCollected(got collected) error {
	verb, tail := "removed", fmt.Sprintf("; the database gave %d bytes back", got.Records)
	if got.DryRun {
		verb, tail = "would remove", ""
	}
	_, err := fmt.Fprintf(a.stdout, "%s %d runs, %d experiments and %d logged models with %d files of %d bytes; %d bytes of contents that no file has any more%s\n",
		verb, got.Runs, got.Experiments, got.Models, got.Files, got.FileBytes, got.Unused, tail)
	if err == nil && got.Kept > 0 {
		_, err = fmt.Fprintf(a.stdout, "%d stay because registered versions were made from them\n", got.Kept)
	}
	if err == nil && got.Elsewhere > 0 {
		_, err = fmt.Fprintf(a.stdout, "the files of %d lie where this server does not look, and stay\n", got.Elsewhere)
	}
	return err
}

func collect(ctx context.Context, db *sqlstore.DB, places backup.Places, root string, before int64, dry bool) (got collected, err error) {
	g, err := db.Garbage(ctx, before)
	if err != nil {
		return got, err
	}
	got = collected{Runs: len(g.Runs), Experiments: len(g.Experiments), Models: len(g.Models), Kept: g.Kept, DryRun: dry}
	for _, x := range append(g.Runs[:len(g.Runs):len(g.Runs)], g.Models...) {
		store, p := placeOf(places, root, x.URI)
		if store == nil {
			got.Elsewhere++
			continue
		}
		err := artifact.Walk(ctx, store, p, func(_ string, e artifact.Entry) error {
			got.Files++
			got.FileBytes += e.Size
			return nil
		})
		if err == nil && !dry {
			err = store.Delete(ctx, p)
		}
		if err != nil {
			return got, errs.Wrap(err, "remove the files of %s", x.ID)
		}
	}
	if !dry {
		if err := db.Purge(ctx, g); err != nil {
			return got, err
		}
		if got.Records, err = db.Shrink(ctx); err != nil && !errs.Is(err, errs.Unavailable) { // busy: another time
			return got, err
		}
	}
	if f, ok := places["artifacts"].(*artifact.Folder); ok {
		swept, err := f.Sweep(dry)
		if err != nil {
			return got, err
		}
		got.Unused = swept.Bytes
	}
	return got, nil
}

// placeOf finds the store of an artifact URI and the folder there; nil when it is
// none of the server's.
func placeOf(places backup.Places, root, uri string) (artifact.Store, string) {
	store, p := places["artifacts"], ""
	rest, ok := strings.CutPrefix(uri, "mlflow-artifacts:")
	switch {
	case ok && strings.HasPrefix(rest, "//"):
		_, p, _ = strings.Cut(rest[2:], "/") // of another host's name for us
	case ok:
		p = rest
	case places["root"] != nil && objectstore.Is(root):
		store = places["root"]
		if p, ok = strings.CutPrefix(uri, strings.TrimRight(root, "/")+"/"); !ok {
			return nil, ""
		}
	case places["root"] != nil:
		store = places["root"]
		dir, err := filepath.Abs(localPath(root))
		if err != nil {
			return nil, ""
		}
		if p, ok = strings.CutPrefix(filepath.ToSlash(localPath(uri)), filepath.ToSlash(dir)+"/"); !ok {
			return nil, ""
		}
	default:
		return nil, ""
	}
	p, err := artifact.Clean(strings.Trim(p, "/"))
	if err != nil || p == "" {
		return nil, ""
	}
	return store, p
}

// parseAge reads 30d, 12h, 1d6h30m and the like.
func parseAge(text string) (time.Duration, error) {
	bad := errs.New(errs.Usage, "--older-than %q is not a time like 30d, 12h or 1d6h30m", text)
	days, rest, ok := strings.Cut(text, "d")
	if !ok {
		days, rest = "0", text
	}
	n, err := strconv.ParseFloat(days, 64)
	if err != nil || n < 0 || n > 36500 {
		return 0, bad
	}
	age := time.Duration(n * 24 * float64(time.Hour))
	if rest == "" {
		return age, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 {
		return 0, bad
	}
	return age + more, nil
}
