// Package objectstore keeps artifacts in services of objects: S3 and whatever
// speaks its API (Google's interoperable one among them), and Azure Blob Storage.
// A file is one object whose name is the path below the store's prefix, so that
// clients with access of their own find it there too.
package objectstore

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
)

// Is reports whether Open can open the URI.
func Is(uri string) bool {
	scheme, _, ok := strings.Cut(uri, "://")
	return ok && schemes[scheme] != nil
}

// opener opens a store; getenv is where credentials are.
type opener func(u *url.URL, getenv func(string) string) (artifact.Store, error)

var schemes = map[string]opener{
	"s3": openS3, "gs": openS3, "wasbs": openAzure, "wasb": openAzure, "azure": openAzure,
}

// Open opens the store that a URI names:
//
//	s3://BUCKET/PREFIX      MLFLOW_S3_ENDPOINT_URL or AWS_ENDPOINT_URL name another
//	                        service than Amazon's; credentials and region as AWS's
//	                        own tools find them
//	gs://BUCKET/PREFIX      Google's interoperable API with an HMAC key in
//	                        AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
//	wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX
//	azure://CONTAINER/PREFIX  of the account in AZURE_STORAGE_ACCOUNT or in
//	                        AZURE_STORAGE_CONNECTION_STRING
//
// Azure's credentials are AZURE_STORAGE_CONNECTION_STRING,
// AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN. Nothing is asked of the
// service before the first use.
func Open(uri string, getenv func(string) string) (artifact.Store, error) {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return nil, errs.New(errs.Usage, "%q names no bucket or container; write s3://BUCKET/PREFIX or wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX", uri)
	}
	open := schemes[u.Scheme]
	if open == nil {
		return nil, errs.New(errs.Usage, "artifacts cannot be kept at %s URIs; the schemes are file, s3, gs, wasbs and azure", u.Scheme)
	}
	s, err := open(u, getenv)
	return s, errs.Wrap(err, "open %s", uri)
}

// prefix is where in a bucket a store is: "" or a path that ends with a slash.
type prefix string

func prefixOf(u *url.URL) prefix {
	p := strings.Trim(u.Path, "/")
	if p == "" {
		return ""
	}
	return prefix(p + "/")
}

// name is the object of a path.
func (x prefix) name(p string) string { return string(x) + p }

// folder is what the names of the objects in the folder p begin with.
func (x prefix) folder(p string) string {
	if p == "" {
		return string(x)
	}
	return string(x) + p + "/"
}

func errPath() error { return errs.New(errs.Invalid, "Invalid path") }

func noArtifact(p string) error { return errs.New(errs.NotFound, "No such artifact: '%s'", p) }

// exactly yields what r yields, and fails instead of yielding the last bytes when
// there are not exactly size of them: services take no upload that fails.
func exactly(ctx context.Context, r io.Reader, size int64) io.Reader {
	return &exact{ctx, bufio.NewReaderSize(r, 64<<10), size, 0}
}

type exact struct {
	ctx      context.Context
	r        *bufio.Reader
	size, at int64 // size is -1 when nobody knows it
}

// Read reads until the context ends.
func (e *exact) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := e.r.Read(p)
	e.at += int64(n)
	if err != nil && err != io.EOF { // not wrapped: io.ErrUnexpectedEOF would be taken for the end
		return n, errs.New(errs.Invalid, "the upload broke off: %v", err)
	}
	if e.size < 0 {
		return n, err
	}
	end := errors.Is(err, io.EOF)
	if !end && e.at == e.size {
		_, peek := e.r.Peek(1)
		end = errors.Is(peek, io.EOF)
		if !end && peek != nil {
			return 0, peek
		}
	}
	if e.at > e.size || end != (e.at == e.size) {
		return 0, errs.New(errs.Invalid, "the upload is not of the %d bytes that were announced", e.size)
	}
	return n, err
}

// object is an open object. It is fetched once, and again from wherever it is
// read after a Seek; never a mixture of two that had the name.
type object struct {
	size, at int64
	body     io.ReadCloser
	bodyAt   int64 // where body is
	open     func(offset int64) (io.ReadCloser, error)
}

var _ artifact.File = (*object)(nil)

// Size returns the length of the object.
func (o *object) Size() int64 { return o.size }

// Read reads on from where the last Read or Seek ended.
func (o *object) Read(p []byte) (int, error) {
	if o.at >= o.size {
		return 0, io.EOF
	}
	if o.body == nil || o.bodyAt != o.at {
		o.Close()
		body, err := o.open(o.at)
		if err != nil {
			return 0, err
		}
		o.body, o.bodyAt = body, o.at
	}
	n, err := o.body.Read(p)
	o.at += int64(n)
	o.bodyAt = o.at
	if errors.Is(err, io.EOF) && o.at < o.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek moves to another place.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return 0, errs.New(errs.Usage, "seek before the start of an artifact")
	}
	o.at = offset
	return offset, nil
}

// Close ends the request in flight.
func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	err := o.body.Close()
	o.body = nil
	return err
}

// faultOf gives an answer of a service its kind.
func faultOf(status int, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errs.New(errs.Canceled, "the store of artifacts was not waited for: %w", err)
	case errs.Is(err, errs.Invalid):
		return err
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return errs.New(errs.Denied, "the store of artifacts refuses: %w", err)
	case status == http.StatusNotFound:
		return errs.New(errs.NotFound, "the store of artifacts has no such bucket or container: %w", err)
	case status == 0 || status >= 500 || status == http.StatusTooManyRequests:
		return errs.New(errs.Unavailable, "the store of artifacts is not available: %w", err)
	}
	return err
}
