package mlflow

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

var runForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// requireFile wants a level on every experiment whose files a path of the
// artifact proxy is among. What belongs to no experiment is an admin's.
func (h *Handler) requireFile(ctx context.Context, path string, l auth.Level) error {
	if h.cfg.Auth == nil {
		return nil
	}
	return h.requireURI(ctx, ProxiedRoot+"/"+path, l)
}

// requireURI does it for an artifact URI into one of this server's stores.
func (h *Handler) requireURI(ctx context.Context, uri string, l auth.Level) error {
	if h.cfg.Auth.RequireAdmin(ctx) == nil {
		return nil
	}
	u, err := url.Parse(uri)
	if err != nil {
		return errs.New(errs.Invalid, "Invalid path")
	}
	segments := strings.Split(strings.Trim(u.Path, "/"), "/")
	ids, err := h.Runs.ExperimentsAt(ctx, ancestors(u, segments))
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		if ids, err = h.byRun(ctx, u, segments); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return errs.New(errs.Denied, "Permission denied.")
	}
	for _, id := range ids {
		if err := h.require(ctx, auth.Experiment, id, l); err != nil {
			return err
		}
	}
	return nil
}

// ancestors returns every way in which the location of an experiment that
// contains a path is written.
func ancestors(u *url.URL, segments []string) []string {
	prefixes := []string{u.Scheme + ":/", u.Scheme + ":///"}
	switch {
	case u.Scheme == "file" || u.Scheme == "":
		prefixes = []string{"file:/", "file:///", "/"}
	case u.Scheme != "mlflow-artifacts": // there a host means this server
		prefixes = []string{u.Scheme + "://" + u.Host + "/"}
	}
	var out []string
	for n := range segments {
		path := strings.Join(segments[:n+1], "/")
		escaped := (&url.URL{Path: path}).EscapedPath()
		for _, p := range prefixes {
			if out = append(out, p+path); escaped != path {
				out = append(out, p+escaped)
			}
		}
	}
	return out
}

// byRun finds the experiment of files that a run keeps elsewhere than its
// experiment does: imported runs.
func (h *Handler) byRun(ctx context.Context, u *url.URL, segments []string) ([]string, error) {
	for _, s := range segments {
		if !runForm.MatchString(s) {
			continue
		}
		info, err := h.Runs.RunInfo(ctx, s)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		own, err := url.Parse(info.ArtifactURI)
		if err != nil || own.Scheme != u.Scheme || own.Host != u.Host && u.Scheme != "mlflow-artifacts" {
			continue
		}
		root := strings.Trim(own.Path, "/")
		if path := strings.Trim(u.Path, "/"); path == root || strings.HasPrefix(path, root+"/") {
			return []string{info.ExperimentID}, nil
		}
	}
	return nil, nil
}
