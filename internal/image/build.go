package image

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/pem"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/drivecast/drivecast/errs"
)

// Where things are in an image.
const (
	ScorerPath   = "usr/local/bin/drivecast-score"
	ModelPath    = "opt/drivecast/model"
	certificates = "etc/ssl/certs/ca-certificates.crt"
	user         = 65532 // nonroot, as in other small images
)

// Options say what goes into an image.
type Options struct {
	Model   string            // folder or file
	Scorer  string            // the drivecast-score to put in, for the image's platform
	Base    v1.Image          // nil for an image of nothing else
	BaseRef string            // the name of Base, for the records
	OS      string            // platform, like linux
	Arch    string            // and amd64
	Port    int               // that the scorer listens on
	Created time.Time         // the one time in the image; zero is 1970-01-01
	Labels  map[string]string // more labels
	Version string            // of the program that makes it, for the provenance
	Source  string            // how the user named the model
}

// Built is an image with what refers to it.
type Built struct {
	Image     v1.Image
	Digest    v1.Hash
	Size      int64      // bytes of the layers, compressed
	Referrers []v1.Image // bill of materials, provenance
}

// Build makes an image. A scorer for another platform than the image's is errs.Invalid.
func Build(o Options) (*Built, error) {
	scorer, err := readScorer(o)
	if err != nil {
		return nil, err
	}
	files, err := folderEntries(o.Model, ModelPath)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errs.New(errs.Invalid, "the model %s has no files", o.Model)
	}
	if o.Created.IsZero() {
		o.Created = time.Unix(0, 0)
	}
	o.Created = o.Created.UTC()
	parts := []struct {
		note    string
		entries []entry
	}{
		{"certificates, user", systemEntries()},
		{"drivecast-score", []entry{{name: ScorerPath, mode: 0o755, file: o.Scorer, size: scorer.size}}},
		{"model", files},
	}
	if o.Base != nil {
		parts = parts[1:]
	}
	layers, errors := make([]*layer, len(parts)), make([]error, len(parts))
	done := make(chan int)
	for i := range parts {
		go func() {
			layers[i], errors[i] = newLayer(parts[i].entries, o.Created)
			done <- i
		}()
	}
	for range parts {
		<-done
	}
	base := o.Base
	if base == nil {
		base = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	}
	var adds []mutate.Addendum
	for i, l := range layers {
		if errors[i] != nil {
			return nil, errors[i]
		}
		adds = append(adds, mutate.Addendum{Layer: l, History: v1.History{Created: v1.Time{Time: o.Created}, CreatedBy: "drivecast image build: " + parts[i].note}})
	}
	img, err := mutate.Append(base, adds...)
	if err != nil {
		return nil, errs.Wrap(err, "add the layers")
	}
	if img, err = configure(img, o, layers[len(layers)-1].digest); err != nil {
		return nil, err
	}
	return o.finish(img, scorer, layers[len(layers)-1])
}

// scorerFile is the program that is put in.
type scorerFile struct {
	size int64
	sum  string
	info *buildinfo.BuildInfo
}

func readScorer(o Options) (*scorerFile, error) {
	info, err := buildinfo.ReadFile(o.Scorer)
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s is no drivecast-score: %w", o.Scorer, err)
	}
	setting := func(key string) string {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
		return ""
	}
	if goos, arch := setting("GOOS"), setting("GOARCH"); goos != o.OS || arch != o.Arch {
		return nil, errs.New(errs.Invalid, "%s runs on %s/%s, and the image is for %s/%s; name a scorer of that platform with --scorer", o.Scorer, goos, arch, o.OS, o.Arch)
	}
	if setting("CGO_ENABLED") == "1" && o.Base == nil {
		return nil, errs.New(errs.Invalid, "%s needs the libraries of a system; build it with CGO_ENABLED=0, or choose a --base that has them", o.Scorer)
	}
	f, err := os.Open(o.Scorer)
	if err != nil {
		return nil, errs.Wrap(err, "open the scorer")
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return &scorerFile{n, hex.EncodeToString(sum.Sum(nil)), info}, errs.Wrap(err, "read the scorer")
}

// systemEntries are what a program expects of a system: the certificates that
// others are trusted by, a user, a folder for temporary files.
func systemEntries() []entry {
	var roots bytes.Buffer
	for r := range bundle.Roots() {
		_ = pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate}) // memory takes everything
	}
	id := strconv.Itoa(user)
	return []entry{
		{name: certificates, mode: 0o644, body: roots.Bytes()},
		{name: "etc/passwd", mode: 0o644, body: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:" + id + ":" + id + ":nonroot:/home/nonroot:/sbin/nologin\n")},
		{name: "etc/group", mode: 0o644, body: []byte("root:x:0:\nnonroot:x:" + id + ":\n")},
		{name: "etc/nsswitch.conf", mode: 0o644, body: []byte("hosts: files dns\n")},
		{name: "tmp/", mode: 0o1777},
	}
}

// configure sets what a container of the image runs and as whom.
func configure(img v1.Image, o Options, model v1.Hash) (v1.Image, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, errs.Wrap(err, "read the configuration of the base")
	}
	if o.Base != nil && (file.OS != "" && file.OS != o.OS || file.Architecture != "" && file.Architecture != o.Arch) {
		return nil, errs.New(errs.Invalid, "the base %s is for %s/%s, and the image for %s/%s", o.BaseRef, file.OS, file.Architecture, o.OS, o.Arch)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = o.OS, o.Arch, v1.Time{Time: o.Created}
	c := &file.Config
	id := strconv.Itoa(user)
	c.User = id + ":" + id
	c.Entrypoint = []string{"/" + ScorerPath}
	port := strconv.Itoa(o.Port)
	c.Cmd = []string{"--model-uri", "/" + ModelPath, "--host", "0.0.0.0", "--port", port}
	c.WorkingDir = "/"
	c.ExposedPorts = map[string]struct{}{port + "/tcp": {}}
	if o.Base == nil {
		c.Env = []string{"PATH=/usr/local/bin", "SSL_CERT_FILE=/" + certificates, "TZ=UTC"}
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	for k, v := range map[string]string{
		"org.opencontainers.image.title": "drivecast-score", "org.opencontainers.image.created": o.Created.Format(time.RFC3339),
		"org.opencontainers.image.version": o.Version, "org.opencontainers.image.base.name": o.BaseRef,
		"io.drivecast.model.source": o.Source, "io.drivecast.model.layer": model.String(),
		"io.drivecast.routes": "/invocations,/score,/ping,/livez,/readyz",
	} {
		if v != "" {
			c.Labels[k] = v
		}
	}
	for k, v := range o.Labels {
		c.Labels[k] = v
	}
	out, err := mutate.ConfigFile(img, file)
	return out, errs.Wrap(err, "configure the image")
}

// ParsePlatform reads linux/amd64, or linux/arm64 and the like.
func ParsePlatform(s string) (goos, arch string, err error) {
	goos, arch, ok := strings.Cut(s, "/")
	if !ok || goos != "linux" || arch == "" {
		return "", "", errs.New(errs.Usage, "--platform %q is not like linux/amd64 or linux/arm64", s)
	}
	arch, _, _ = strings.Cut(arch, "/") // variants
	return goos, arch, nil
}
