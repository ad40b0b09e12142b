package image

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/drivecast/drivecast/errs"
)

// Place is where an image goes: oci:DIR, docker-archive:FILE, or the name of a
// registry's repository.
type Place struct {
	oci, archive string
	ref          name.Reference
}

// ParsePlace reads a place.
func ParsePlace(s string) (Place, error) {
	if dir, ok := strings.CutPrefix(s, "oci:"); ok && dir != "" {
		return Place{oci: dir}, nil
	}
	if file, ok := strings.CutPrefix(s, "docker-archive:"); ok && file != "" {
		return Place{archive: file}, nil
	}
	ref, err := name.ParseReference(s)
	if err != nil {
		return Place{}, errs.New(errs.Usage, "-o %q is neither oci:DIR, docker-archive:FILE nor REGISTRY/NAME:TAG: %w", s, err)
	}
	return Place{ref: ref}, nil
}

// Base fetches a base image by its name in a registry, or from oci:DIR.
func Base(ctx context.Context, s, goos, arch string, keys authn.Keychain) (v1.Image, error) {
	if dir, ok := strings.CutPrefix(s, "oci:"); ok {
		index, err := layout.ImageIndexFromPath(dir)
		if err != nil {
			return nil, errs.New(errs.Invalid, "%s is no OCI layout: %w", dir, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil || len(manifest.Manifests) == 0 {
			return nil, errs.New(errs.Invalid, "%s has no image", dir)
		}
		img, err := index.Image(manifest.Manifests[0].Digest)
		return img, errs.Wrap(err, "read the base %s", s)
	}
	ref, err := name.ParseReference(s)
	if err != nil {
		return nil, errs.New(errs.Usage, "--base %q: %w", s, err)
	}
	img, err := remote.Image(ref, options(ctx, keys, remote.WithPlatform(v1.Platform{OS: goos, Architecture: arch}))...)
	return img, fault(err, "fetch the base %s", s)
}

// options are those of all talks with registries: credentials, and patience with
// connections that break.
func options(ctx context.Context, keys authn.Keychain, more ...remote.Option) []remote.Option {
	return append([]remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(keys), remote.WithUserAgent("drivecast"),
		remote.WithRetryBackoff(remote.Backoff{Duration: 200 * time.Millisecond, Factor: 2, Jitter: .1, Steps: 6}),
	}, more...)
}

// Write puts an image in its place, whole or not at all. A registry gets the parts
// that it lacks, each again when the connection breaks, and the image's name last;
// an upload that was interrupted goes on from the parts that arrived.
func (b *Built) Write(ctx context.Context, p Place, keys authn.Keychain) error {
	switch {
	case p.oci != "":
		return b.writeLayout(p.oci)
	case p.archive != "":
		return b.writeArchive(p.archive)
	}
	if err := remote.Write(p.ref, b.Image, options(ctx, keys)...); err != nil {
		return fault(err, "push %s", p.ref)
	}
	for _, r := range b.Referrers {
		d, err := r.Digest()
		if err != nil {
			return errs.Wrap(err, "push what refers to the image")
		}
		if err := remote.Write(p.ref.Context().Digest(d.String()), r, options(ctx, keys)...); err != nil {
			return fault(err, "push what refers to %s", p.ref)
		}
	}
	return nil
}

// String names the place.
func (p Place) String() string {
	switch {
	case p.oci != "":
		return "oci:" + p.oci
	case p.archive != "":
		return "docker-archive:" + p.archive
	}
	return p.ref.String()
}

func (b *Built) writeLayout(dir string) error {
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
			return errs.New(errs.Exists, "%s has other files; name a new folder", dir)
		}
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return errs.Wrap(err, "write %s", dir)
	}
	temp, err := os.MkdirTemp(parent, ".drivecast-image-")
	if err != nil {
		return errs.Wrap(err, "write %s", dir)
	}
	defer os.RemoveAll(temp)
	l, err := layout.Write(temp, empty.Index)
	if err == nil {
		err = l.AppendImage(b.Image, layout.WithPlatform(b.platform()))
	}
	for _, r := range b.Referrers {
		if err == nil {
			err = l.AppendImage(r)
		}
	}
	if err == nil {
		err = os.Chmod(temp, 0o755)
	}
	if err == nil {
		err = os.RemoveAll(dir) // an older image, or nothing
	}
	if err == nil {
		err = os.Rename(temp, dir)
	}
	return errs.Wrap(err, "write %s", dir)
}

func (b *Built) platform() v1.Platform {
	c, err := b.Image.ConfigFile()
	if err != nil {
		return v1.Platform{}
	}
	return v1.Platform{OS: c.OS, Architecture: c.Architecture}
}

func (b *Built) writeArchive(file string) error {
	tag, err := name.NewTag("drivecast-score:latest")
	if err != nil {
		return errs.Wrap(err, "name the image")
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".drivecast-image-")
	if err != nil {
		return errs.Wrap(err, "write %s", file)
	}
	err = errors.Join(tarball.Write(tag, b.Image, f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return errs.Wrap(err, "write %s", file)
}

// fault gives an answer of a registry its kind.
func fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	kind := errs.Unavailable
	var e *transport.Error
	switch {
	case errors.Is(err, context.Canceled):
		kind = errs.Canceled
	case errors.As(err, &e) && e.StatusCode == http.StatusUnauthorized:
		kind = errs.Unauthenticated
	case errors.As(err, &e) && e.StatusCode == http.StatusForbidden:
		kind = errs.Denied
	case errors.As(err, &e) && e.StatusCode == http.StatusNotFound:
		kind = errs.NotFound
	}
	return errs.Wrap(errs.New(kind, "%w", err), format, args...)
}
