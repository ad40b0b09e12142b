package dataver

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

func newRepo(t *testing.T) *Repo {
	t.Helper()
	dir := t.TempDir()
	if err := Init(dir, true); err != nil {
		t.Fatal(err)
	}
	r := reopen(t, dir)
	if err := r.AddRemote("r", filepath.Join(t.TempDir(), "remote"), true); err != nil {
		t.Fatal(err)
	}
	return r
}

func reopen(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(dir, Options{Getenv: func(string) string { return "" }, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, r *Repo, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.full(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.full(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// added is a repository with a folder and a file under version, pushed.
func added(t *testing.T) *Repo {
	r := newRepo(t)
	write(t, r, "data/a.txt", "a\n")
	write(t, r, "data/sub/b.sh", "b\n")
	write(t, r, "one.csv", "x\n")
	if _, err := r.Add(t.Context(), []string{r.full("data"), r.full("one.csv")}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Push(t.Context(), nil, ""); err != nil {
		t.Fatal(err)
	}
	return r
}

func wantStatus(t *testing.T, r *Repo, want ...string) {
	t.Helper()
	changes, err := r.Status(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, c.Kind+" "+c.Path)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("status = %q, want %q", got, want)
	}
}

// The texts are those that DVC 3.67 wrote of the same files.
func TestAddWritesWhatDVCWrites(t *testing.T) {
	r := added(t)
	if got, want := text(t, r.full("one.csv.dvc")), "outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  hash: md5\n  path: one.csv\n"; got != want {
		t.Errorf("one.csv.dvc = %q, want %q", got, want)
	}
	dir := strings.Split(text(t, r.full("data.dvc")), "\n")
	if dir[2] != "  size: 4" || dir[3] != "  nfiles: 2" || dir[4] != "  hash: md5" {
		t.Errorf("data.dvc = %q", dir)
	}
	oid := OID(strings.TrimPrefix(dir[1], "- md5: "))
	if got, want := text(t, r.cache.path(oid)), `[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a.txt"}, {"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "sub/b.sh"}]`; got != want {
		t.Errorf("list = %s, want %s", got, want)
	}
	info, err := os.Stat(r.cache.path(oid))
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("object: %v %v, want mode 0444", info.Mode(), err)
	}
	wantStatus(t, r)
	again := text(t, r.full("data.dvc"))
	if _, err := r.Add(t.Context(), []string{r.full("data")}); err != nil || text(t, r.full("data.dvc")) != again {
		t.Errorf("adding again changed data.dvc: %v", err)
	}
}

func TestListsAreAsPythonWritesThem(t *testing.T) {
	got, oid := EncodeList([]Entry{{"é 😀\"q", "60b725f10c9c85c70d97880dfe8191b3"}, {"a\tb\x7f", "3b5d5c3712955042212316173ccf37be"}})
	want := `[{"md5": "3b5d5c3712955042212316173ccf37be", "relpath": "a\tb` + "\x7f" + `"}, {"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\u00e9 \ud83d\ude00\"q"}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	back, err := DecodeList(got)
	if err != nil || len(back) != 2 || back[1].Path != "é 😀\"q" || !oid.IsDir() {
		t.Errorf("back: %v %v", back, err)
	}
}

func TestPullBringsBackWhatWasPushed(t *testing.T) {
	for _, links := range []string{"copy", "hardlink", "symlink", "reflink,copy"} {
		t.Run(links, func(t *testing.T) {
			r := added(t)
			for _, gone := range []string{".dvc/cache", ".dvc/tmp", "data", "one.csv"} {
				os.RemoveAll(r.full(gone))
			}
			config := setValue(text(t, r.full(".dvc/config")), "cache", "type", links)
			write(t, r, ".dvc/config", config)
			r = reopen(t, r.Root)
			moved, err := r.Pull(t.Context(), nil, "", false)
			if err != nil || moved.Objects != 4 || len(moved.Changed) != 2 {
				t.Fatalf("pull: %+v %v", moved, err)
			}
			if text(t, r.full("data/sub/b.sh")) != "b\n" || text(t, r.full("one.csv")) != "x\n" {
				t.Error("the contents differ")
			}
			wantStatus(t, r)
			if moved, err = r.Pull(t.Context(), nil, "", false); err != nil || moved.Objects != 0 || len(moved.Changed) != 0 {
				t.Errorf("second pull: %+v %v", moved, err)
			}
		})
	}
}

func TestCheckoutLosesNothing(t *testing.T) {
	r := added(t)
	write(t, r, "data/new.txt", "only here\n")
	wantStatus(t, r, "modified data")
	if _, err := r.Checkout(t.Context(), nil, false); !errs.Is(err, errs.State) || !strings.Contains(err.Error(), "data/new.txt") {
		t.Fatalf("checkout over changes: %v", err)
	}
	if text(t, r.full("data/new.txt")) != "only here\n" {
		t.Error("the change is gone")
	}
	if _, err := r.Checkout(t.Context(), nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.full("data/new.txt")); !missing(err) {
		t.Errorf("--force left the file: %v", err)
	}
	os.RemoveAll(r.full("data"))
	write(t, r, "data", "a file in the folder's place")
	if _, err := r.Checkout(t.Context(), nil, true); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r)
}

func TestCorruptObjects(t *testing.T) {
	r := added(t)
	object := r.cache.path("60b725f10c9c85c70d97880dfe8191b3")
	spoil := func(path string) {
		os.Chmod(path, 0o644)
		if err := os.WriteFile(path, []byte("z\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	spoil(object)
	r = reopen(t, r.Root)
	os.RemoveAll(r.full("data"))
	if _, err := r.Checkout(t.Context(), nil, false); !errs.Is(err, errs.State) || !strings.Contains(err.Error(), "corrupt") {
		t.Fatalf("checkout of a corrupt object: %v", err)
	}
	if _, err := os.Stat(r.full("data")); !missing(err) {
		t.Error("a part was checked out")
	}
	if _, err := r.Pull(t.Context(), nil, "", false); err != nil {
		t.Fatalf("pull does not replace it: %v", err)
	}
	wantStatus(t, r)
	far := filepath.Join(r.config.path(`remote "r"`, "url"), "files/md5/60/b725f10c9c85c70d97880dfe8191b3")
	spoil(far)
	os.RemoveAll(r.full(".dvc/cache"))
	os.RemoveAll(r.full("data"))
	r = reopen(t, r.Root)
	if _, err := r.Pull(t.Context(), nil, "", false); !errs.Is(err, errs.State) || !strings.Contains(err.Error(), "data/a.txt") {
		t.Fatalf("pull of a corrupt object: %v", err)
	}
	if _, err := os.Stat(object); !missing(err) {
		t.Error("the corrupt object is in the cache")
	}
	os.Remove(far)
	_, err := r.Pull(t.Context(), nil, "", false)
	if !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "data/a.txt (60b725f10c9c85c70d97880dfe8191b3)") {
		t.Fatalf("pull of a missing object: %v", err)
	}
	if _, err := os.Stat(r.full("data")); !missing(err) {
		t.Error("a part was checked out")
	}
}

func TestPathsThatClimbOut(t *testing.T) {
	for _, p := range []string{"../out", "a/../../out", "/etc/passwd", ".git/config", ".dvc/config", ".", "", `..\out`, "C:/x"} {
		r := added(t)
		write(t, r, "evil.dvc", "outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  hash: md5\n  path: '"+p+"'\n")
		_, err := r.Checkout(t.Context(), nil, true)
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "evil.dvc") {
			t.Errorf("path %q: %v", p, err)
		}
	}
	r := added(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, r.full("link")); err != nil {
		t.Fatal(err)
	}
	write(t, r, "evil.dvc", "outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  hash: md5\n  path: link/x\n")
	if _, err := r.Checkout(t.Context(), nil, true); !errs.Is(err, errs.Invalid) {
		t.Errorf("behind a link: %v", err)
	}
	if list, _ := os.ReadDir(outside); len(list) > 0 {
		t.Error("something was written outside")
	}
	for _, bad := range []string{`[{"md5": "401b30e3b8b5d629635a5c613cdb7919", "relpath": "../x"}]`, `[{"md5": "../../../../x", "relpath": "x"}]`,
		`[{"md5": "401b30e3b8b5d629635a5c613cdb7919", "relpath": "a"}, {"md5": "401b30e3b8b5d629635a5c613cdb7919", "relpath": "a/b"}]`} {
		if _, err := DecodeList([]byte(bad)); !errs.Is(err, errs.Invalid) {
			t.Errorf("list %s: %v", bad, err)
		}
	}
}

func TestGC(t *testing.T) {
	r := added(t)
	write(t, r, "one.csv", "newer\n")
	if _, err := r.Add(t.Context(), []string{r.full("one.csv")}); err != nil {
		t.Fatal(err)
	}
	dry, err := r.GC(t.Context(), GCOptions{Dry: true, Cloud: true})
	if err != nil || dry.Objects != 1 || dry.RemoteObjects != 1 {
		t.Fatalf("dry: %+v %v", dry, err)
	}
	done, err := r.GC(t.Context(), GCOptions{})
	if err != nil || done.Objects != 1 || done.Bytes != 2 {
		t.Fatalf("gc: %+v %v", done, err)
	}
	if err := r.cache.check("401b30e3b8b5d629635a5c613cdb7919"); !errs.Is(err, errs.NotFound) {
		t.Errorf("the old object: %v", err)
	}
	wantStatus(t, r)
}

func TestReproduce(t *testing.T) {
	r := newRepo(t)
	write(t, r, "in.txt", "1\n")
	write(t, r, "params.yaml", "n: 2\nnames: [a, b]\n")
	write(t, r, "dvc.yaml", `stages:
  second:
    cmd: cat mid/x > out.txt
    deps: [mid]
    outs: [out.txt]
  first:
    cmd: mkdir -p mid && cat in.txt > mid/x && echo ${n} >> mid/x
    deps: [in.txt]
    params: [n]
    outs: [mid]
  each:
    foreach: ${names}
    do:
      cmd: echo ${item} > ${item}.txt
      outs: ["${item}.txt"]
`)
	ran := []string{}
	run := func(ctx context.Context, s StageRun) error {
		ran = append(ran, s.Name)
		cmd := exec.CommandContext(ctx, "sh", "-c", strings.Join(s.Commands, "\n"))
		cmd.Dir = s.Dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return errs.New(errs.Internal, "%s: %w", bytes.TrimSpace(out), err)
		}
		return nil
	}
	step := func(want string) {
		t.Helper()
		ran = nil
		if _, err := r.Reproduce(t.Context(), ReproOptions{Run: run}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(ran, " "); got != want {
			t.Errorf("ran %q, want %q", got, want)
		}
	}
	step("first second each@a each@b")
	step("")
	if got := text(t, r.full("out.txt")); got != "1\n2\n" {
		t.Errorf("out.txt = %q", got)
	}
	wantStatus(t, r)
	os.RemoveAll(r.full("mid"))
	step("") // it is in the cache
	write(t, r, "params.yaml", "n: 3\nnames: [a, b]\n")
	step("first second")
	lock := text(t, r.full("dvc.lock"))
	write(t, r, "dvc.yaml", strings.Replace(text(t, r.full("dvc.yaml")), "cat mid/x > out.txt", "false", 1))
	if _, err := r.Reproduce(t.Context(), ReproOptions{Run: run}); err == nil || text(t, r.full("dvc.lock")) != lock {
		t.Errorf("a failed stage: %v, or dvc.lock changed", err)
	}
}
