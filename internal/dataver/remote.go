package dataver

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/objectstore"
)

// remote keeps objects where others can fetch them.
type remote interface {
	// list returns the names of the objects whose OIDs begin with the two digits.
	list(ctx context.Context, digits string) ([]OID, error)
	put(ctx context.Context, o OID, from *os.File, size int64) error
	// open returns an object, or errs.NotFound.
	open(ctx context.Context, o OID) (io.ReadCloser, error)
	remove(ctx context.Context, o OID) error
}

// Remotes returns the names of the remotes.
func (r *Repo) Remotes() []string { return r.config.names }

// remote opens the remote with a name, or the default one for "".
func (r *Repo) remote(name string) (remote, error) {
	if name == "" {
		name = r.config.get("core", "remote")
	}
	if name == "" && len(r.config.names) == 1 {
		name = r.config.names[0]
	}
	if name == "" {
		return nil, errs.New(errs.Usage, "no remote is the default one; `drivecast data remote add --default NAME URL` sets it, or choose one with --remote")
	}
	section := `remote "` + name + `"`
	at := r.config.get(section, "url")
	if at == "" {
		return nil, errs.New(errs.NotFound, "there is no remote %s in .dvc/config", name)
	}
	scheme, rest, ok := strings.Cut(at, "://")
	switch {
	case strings.EqualFold(r.config.get(section, "worktree"), "true") || strings.EqualFold(r.config.get(section, "version_aware"), "true"):
		return nil, errs.New(errs.Unsupported, "the remote %s relies on versions of the cloud's own, which is not offered", name)
	case scheme == "remote" && ok:
		return r.remoteBelow(name, rest)
	case !ok:
		return newFolderRemote(r.config.path(section, "url")), nil
	case scheme == "file" || scheme == "local":
		return newFolderRemote(filepath.FromSlash(rest)), nil
	case !objectstore.Is(at):
		return nil, errs.New(errs.Unsupported, "the remote %s is at %s; remotes can be folders, azure://, s3:// and gs://", name, at)
	}
	env, err := r.remoteEnv(section, at)
	if err != nil {
		return nil, err
	}
	store, err := objectstore.Open(at, env)
	if err != nil {
		return nil, errs.Wrap(err, "remote %s", name)
	}
	return &storeRemote{store}, nil
}

// remoteBelow opens remote://NAME/PATH, a folder of another remote.
func (r *Repo) remoteBelow(name, rest string) (remote, error) {
	other, below, _ := strings.Cut(rest, "/")
	base := r.config.get(`remote "`+other+`"`, "url")
	if base == "" || strings.HasPrefix(base, "remote://") {
		return nil, errs.New(errs.Invalid, "the remote %s is in the remote %s, which has no URL of its own", name, other)
	}
	section := `remote "` + name + `"`
	merged := map[string]string{}
	for _, from := range []map[string]string{r.config.sections[`remote "`+other+`"`], r.config.sections[section]} {
		for k, v := range from {
			merged[k] = v
		}
	}
	merged["url"], merged["from"] = strings.TrimSuffix(base, "/")+"/"+below, r.config.get(`remote "`+other+`"`, "from")
	r.config.sections[section] = merged
	return r.remote(name)
}

// remoteEnv answers what openers of stores ask the environment for from a remote's
// settings first.
func (r *Repo) remoteEnv(section, at string) (func(string) string, error) {
	settings := map[string]string{}
	for env, key := range map[string]string{
		"AZURE_STORAGE_CONNECTION_STRING": "connection_string", "AZURE_STORAGE_ACCOUNT": "account_name",
		"AZURE_STORAGE_ACCESS_KEY": "account_key", "AZURE_STORAGE_SAS_TOKEN": "sas_token",
		"AWS_ENDPOINT_URL": "endpointurl", "AWS_REGION": "region", "AWS_PROFILE": "profile",
		"AWS_ACCESS_KEY_ID": "access_key_id", "AWS_SECRET_ACCESS_KEY": "secret_access_key", "AWS_SESSION_TOKEN": "session_token",
	} {
		if v := r.config.get(section, key); v != "" {
			settings[env] = v
		}
	}
	if _, err := url.Parse(at); err != nil {
		return nil, errs.New(errs.Invalid, "%q is no URL", at)
	}
	own := settings["AWS_ENDPOINT_URL"] != ""
	return func(name string) string {
		if v, ok := settings[name]; ok {
			return v
		}
		switch {
		case own && (name == "MLFLOW_S3_ENDPOINT_URL" || name == "AWS_ENDPOINT_URL_S3"):
			return "" // the remote's own endpoint wins
		case name == "AZURE_STORAGE_ACCESS_KEY" && r.getenv(name) == "":
			return r.getenv("AZURE_STORAGE_KEY") // as DVC's users have it
		}
		return r.getenv(name)
	}, nil
}

// storeRemote keeps objects in a service.
type storeRemote struct{ store artifact.Store }

func (s *storeRemote) list(ctx context.Context, digits string) ([]OID, error) {
	entries, err := s.store.List(ctx, objects+"/"+digits)
	if err != nil {
		return nil, err
	}
	var out []OID
	for _, e := range entries {
		if o, err := ParseOID(digits + e.Name); err == nil && !e.Dir {
			out = append(out, o)
		}
	}
	return out, nil
}

func (s *storeRemote) put(ctx context.Context, o OID, from *os.File, size int64) error {
	return s.store.Put(ctx, o.path(), from, size)
}

func (s *storeRemote) open(ctx context.Context, o OID) (io.ReadCloser, error) {
	return s.store.Open(ctx, o.path())
}

func (s *storeRemote) remove(ctx context.Context, o OID) error { return s.store.Delete(ctx, o.path()) }

// folderRemote keeps objects in a folder, maybe one of another machine.
type folderRemote struct{ cache }

func newFolderRemote(dir string) *folderRemote {
	return &folderRemote{cache: cache{dir: dir, folders: map[string]bool{}}}
}

func (f *folderRemote) list(_ context.Context, digits string) ([]OID, error) {
	d, err := os.Open(filepath.Join(f.dir, filepath.FromSlash(objects), digits))
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.Wrap(err, "list the remote")
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, errs.Wrap(err, "list the remote")
	}
	out := make([]OID, 0, len(names))
	for _, n := range names {
		if o, err := ParseOID(digits + n); err == nil {
			out = append(out, o)
		}
	}
	return out, nil
}

func (f *folderRemote) put(ctx context.Context, o OID, from *os.File, size int64) error {
	temp, err := f.create(filepath.Dir(f.path(o)))
	if err != nil {
		return err
	}
	if !f.share(temp, from) {
		var n int64
		n, err = io.CopyBuffer(onlyWriter{temp}, reader{ctx, from}, make([]byte, min(size+1, whole)))
		if err == nil && n != size {
			err = errs.New(errs.State, "the object %s has %d bytes, not %d", o, n, size)
		}
	}
	return f.finish(temp, o, err)
}

// onlyWriter hides what else a file can do, so that a copy goes through our buffer.
type onlyWriter struct{ io.Writer }

func (f *folderRemote) open(_ context.Context, o OID) (io.ReadCloser, error) {
	return os.Open(f.path(o))
}

func (f *folderRemote) remove(_ context.Context, o OID) error {
	err := os.Remove(f.path(o))
	if missing(err) {
		return nil
	}
	return err
}
