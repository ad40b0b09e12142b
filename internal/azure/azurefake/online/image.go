package online

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// maxImage is how large an image may be, unpacked.
const maxImage = 4 << 30

// unpacked is an image as a process can run it.
type unpacked struct{ argv, env []string }

// nearby reports whether an image is in a registry of this machine, which is pulled
// from; of others, the name is all there is.
func nearby(image string) bool {
	ref, err := name.ParseReference(image)
	if err != nil {
		return false
	}
	host := ref.Context().RegistryStr()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pull fetches an image, unpacks it below dir and returns its command line there: the
// declared port becomes the instance's own, and paths of the image are those of the folder.
func pull(ctx context.Context, image, dir string, declared, own int) (unpacked, error) {
	failed := func(err error) (unpacked, error) {
		return unpacked{}, fail("ImagePullFailed", "Failed to pull image %q: %v", image, err)
	}
	ref, err := name.ParseReference(image)
	if err != nil {
		return failed(err)
	}
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		return failed(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return failed(err)
	}
	root := filepath.Join(dir, "rootfs")
	if err := os.RemoveAll(root); err != nil {
		return failed(err)
	}
	files := mutate.Extract(img)
	defer files.Close()
	if err := untar(root, files); err != nil {
		return failed(err)
	}
	adapt := func(s string) string {
		switch s {
		case strconv.Itoa(declared):
			return strconv.Itoa(own)
		case "0.0.0.0":
			return "127.0.0.1"
		}
		if filepath.IsAbs(s) && filepath.IsLocal(s[1:]) {
			if _, err := os.Lstat(filepath.Join(root, s)); err == nil {
				return filepath.Join(root, s)
			}
		}
		return s
	}
	out := unpacked{}
	for _, arg := range append(append([]string{}, config.Config.Entrypoint...), config.Config.Cmd...) {
		out.argv = append(out.argv, adapt(arg))
	}
	if len(out.argv) == 0 {
		return failed(errors.New("it names no command"))
	}
	for _, line := range config.Config.Env {
		key, v, _ := strings.Cut(line, "=")
		out.env = append(out.env, key+"="+adapt(v))
	}
	return out, nil
}

// untar writes folders, files and links that stay within root.
func untar(root string, from io.Reader) error {
	left := int64(maxImage)
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		rel := filepath.FromSlash(strings.TrimPrefix(filepath.ToSlash(filepath.Clean("/"+h.Name)), "/"))
		if rel == "" {
			continue
		}
		if left -= h.Size; left < 0 {
			return fmt.Errorf("it is larger than %d GB", maxImage>>30)
		}
		if err := entry(root, rel, h, r); err != nil {
			return err
		}
	}
}

func entry(root, rel string, h *tar.Header, r io.Reader) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	in, err := os.OpenRoot(root) // nothing is written past a link that leads out
	if err != nil {
		return err
	}
	defer in.Close()
	if h.Typeflag == tar.TypeDir {
		return in.MkdirAll(rel, 0o755)
	}
	if err := in.MkdirAll(filepath.Dir(rel), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		f, err := in.OpenFile(rel, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, os.FileMode(h.Mode)&0o755|0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		if closed := f.Close(); err == nil {
			err = closed
		}
		return err
	case tar.TypeSymlink:
		if to := filepath.Join(filepath.Dir(rel), h.Linkname); !filepath.IsAbs(h.Linkname) && filepath.IsLocal(to) {
			return in.Symlink(h.Linkname, rel)
		}
	}
	return nil // devices, and links that lead out, have no use for a process here
}
