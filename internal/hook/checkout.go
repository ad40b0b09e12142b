package hook

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// fetch puts the files of a commit in a folder, which is there whole or not at all.
func (r *Receiver) fetch(ctx context.Context, commit, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil // from an earlier try
	}
	bare := filepath.Join(r.o.Dir, "repository.git")
	if err := git(ctx, nil, "init", "--quiet", "--bare", bare); err != nil {
		return err
	}
	branch := "refs/heads/" + r.cfg.Branch
	if err := git(ctx, nil, "--git-dir="+bare, "fetch", "--quiet", "--no-tags", "--force", "--", r.cfg.Clone, branch+":"+branch); err != nil {
		return errs.New(errs.Unavailable, "fetch %s: %w", r.cfg.Branch, err)
	}
	if git(ctx, nil, "--git-dir="+bare, "cat-file", "-e", commit+"^{commit}") != nil {
		return errs.New(errs.NotFound, "the commit %.10s is not on the branch %s of %s any more", commit, r.cfg.Branch, r.cfg.Repository)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return errs.Wrap(err, "check out")
	}
	defer os.RemoveAll(temp)
	index := filepath.Join(temp, ".index")
	tree := filepath.Join(temp, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return errs.Wrap(err, "check out")
	}
	if err := git(ctx, []string{"GIT_INDEX_FILE=" + index}, "--git-dir="+bare, "-c", "core.bare=false", "--work-tree="+tree, "read-tree", "--reset", "-u", commit); err != nil {
		return errs.Wrap(err, "check out %.10s", commit)
	}
	return errs.Wrap(os.Rename(tree, dir), "check out")
}

// git runs Git without asking anybody anything and without the hooks of a repository.
func git(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "protocol.ext.allow=never"}, args...)...)
	cmd.Env = append(append(os.Environ(), "GIT_TERMINAL_PROMPT=0"), env...)
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out))
	if said == "" {
		said = err.Error()
	}
	return errs.New(errs.Internal, "git: %.500s", said)
}
