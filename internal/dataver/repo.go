package dataver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filelock"
)

// Repo is a repository: a folder with a folder .dvc in it.
type Repo struct {
	Root    string
	config  *config
	cache   *cache
	ignore  ignored
	noGit   bool
	gitRoot string // "" outside of Git
	now     func() time.Time
	getenv  func(string) string
	tick    func(what string, done, total int64)
}

// Options are what a repository is opened with.
type Options struct {
	Getenv func(string) string // credentials of remotes
	Now    func() time.Time
	// Progress hears how far long work has come; nil for silence. It is called from
	// several goroutines.
	Progress func(what string, done, total int64)
}

// Init makes a repository of a folder, as `dvc init` does.
func Init(dir string, noGit bool) error {
	at := filepath.Join(dir, ".dvc")
	if _, err := os.Stat(at); err == nil {
		return errs.New(errs.Exists, "%s is a repository already", dir)
	}
	if _, err := findUp(dir, ".git"); err != nil && !noGit {
		return errs.New(errs.State, "%s is not in a Git repository; run `git init` first, or say --no-scm", dir)
	}
	settings := ""
	if noGit {
		settings = "[core]\n    no_scm = True\n"
	}
	files := []struct{ name, text string }{
		{".dvcignore", "# Patterns of files that are no data, in the syntax of .gitignore.\n"},
		{".dvc/.gitignore", "/config.local\n/tmp\n/cache\n"},
		{".dvc/config", settings},
	}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.name))
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if err := replace(name, []byte(f.text), 0o644, true); err != nil {
			return errs.Wrap(err, "make the repository")
		}
	}
	return nil
}

// findUp returns the nearest folder, from dir upwards, that holds name.
func findUp(dir, name string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errs.New(errs.NotFound, "there is no %s here or in any folder above", name)
		}
		dir = up
	}
}

// Open opens the repository that dir is in.
func Open(dir string, o Options) (*Repo, error) {
	root, err := findUp(dir, ".dvc")
	if err != nil {
		return nil, errs.New(errs.NotFound, "%s is in no data repository; `drivecast data init` makes one", dir)
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return nil, errs.Wrap(err, "find the repository")
	}
	r := &Repo{Root: root, now: o.Now, getenv: o.Getenv, tick: o.Progress}
	if r.tick == nil {
		r.tick = func(string, int64, int64) {}
	}
	if r.config, err = readConfig(filepath.Join(root, ".dvc")); err != nil {
		return nil, err
	}
	links, err := parseLinks(r.config.list("cache", "type"))
	if err != nil {
		return nil, err
	}
	dir = r.config.path("cache", "dir")
	if dir == "" {
		dir = filepath.Join(root, ".dvc", "cache")
	}
	r.cache = &cache{dir: dir, temp: filepath.Join(dir, "drivecast.tmp"), state: r.state(), links: links, folders: map[string]bool{}}
	r.noGit = strings.EqualFold(r.config.get("core", "no_scm"), "true")
	if !r.noGit {
		r.gitRoot, _ = findUp(root, ".git") // without Git there is nothing to ignore
	}
	r.ignore, err = readIgnored(root, "", ".dvcignore")
	return r, err
}

// state is the folder of what is known of files.
func (r *Repo) state() string { return filepath.Join(r.Root, ".dvc", "tmp", "drivecast") }

// full returns the system's path of one in the repository.
func (r *Repo) full(name string) string { return filepath.Join(r.Root, filepath.FromSlash(name)) }

// lock keeps others, DVC among them, from changing the repository until the
// returned function is called.
func (r *Repo) lock(ctx context.Context) (func(), error) {
	name := filepath.Join(r.Root, ".dvc", "tmp", "lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, errs.Wrap(err, "lock the repository")
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, errs.Wrap(err, "lock the repository")
	}
	const patience = 3 * time.Second
	for end := time.Now().Add(patience); !filelock.Try(f); {
		if time.Now().After(end) || ctx.Err() != nil {
			f.Close()
			return nil, errs.New(errs.Unavailable, "another program changes this repository; wait for its end (the lock is %s)", name)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return func() { f.Close() }, nil
}

// rel returns the path, from the root, of one that the user wrote.
func (r *Repo) rel(p string) (string, error) {
	full, err := filepath.Abs(p)
	if err != nil {
		return "", errs.Wrap(err, "find %s", p)
	}
	// The folder may be reached through links; the thing itself may be one.
	if dir, err := filepath.EvalSymlinks(filepath.Dir(full)); err == nil {
		full = filepath.Join(dir, filepath.Base(full))
	}
	rel, err := filepath.Rel(r.Root, full)
	rel = filepath.ToSlash(rel)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return "", errs.New(errs.Invalid, "%s is outside the repository %s", p, r.Root)
	}
	return rel, nil
}

// safe refuses an output whose folder is a link that leads out of the repository:
// writing there would change what is not ours.
func (r *Repo) safe(name string) error {
	dir := filepath.Dir(r.full(name))
	for {
		real, err := filepath.EvalSymlinks(dir)
		if errors.Is(err, os.ErrNotExist) {
			dir = filepath.Dir(dir)
			continue
		}
		if err != nil {
			return errs.Wrap(err, "find %s", name)
		}
		if real != r.Root && !strings.HasPrefix(real, r.Root+string(filepath.Separator)) {
			return errs.New(errs.Invalid, "%s is behind a symbolic link that leads out of the repository", name)
		}
		return nil
	}
}
