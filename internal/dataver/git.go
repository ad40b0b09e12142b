package dataver

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// git runs Git in the repository and returns what it prints.
func (r *Repo) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.Root, "-c", "core.quotepath=off"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return nil, errs.New(errs.Invalid, "git %s: %s (%w)", args[0], said, err)
	}
	return out, nil
}

// gitTracks reports whether Git keeps a path, or something below it.
func (r *Repo) gitTracks(ctx context.Context, name string) bool {
	if r.gitRoot == "" {
		return false
	}
	if _, err := os.Stat(filepath.Join(r.gitRoot, ".git", "index")); missing(err) {
		return false // nothing was ever added
	}
	out, err := r.git(ctx, "ls-files", "--", name)
	return err == nil && len(out) > 0 // without Git at hand nobody knows
}

// gitIgnore adds an output to the .gitignore beside it, as DVC does.
func (r *Repo) gitIgnore(name string) error {
	if r.gitRoot == "" {
		return nil
	}
	file := path.Join(path.Dir(name), ".gitignore")
	text, err := os.ReadFile(r.full(file))
	if err != nil && !missing(err) {
		return errs.Wrap(err, "read %s", file)
	}
	line := "/" + escapeGlob(path.Base(name))
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	if slices.Contains(lines, line) || slices.Contains(lines, line+"/") {
		return nil
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	return errs.Wrap(replace(r.full(file), append(text, line+"\n"...), 0o644, true), "write %s", file)
}

// escapeGlob writes a name so that a pattern means only it.
func escapeGlob(name string) string {
	var b strings.Builder
	for _, c := range name {
		if strings.ContainsRune(`[]!*#?`, c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
