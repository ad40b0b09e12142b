package objectstore

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
)

// s3 is a bucket of a service that speaks S3's API.
type s3 struct {
	core   *minio.Core
	bucket string
	prefix prefix
}

var (
	_ artifact.Multipart = (*s3)(nil)
	_ artifact.Presigner = (*s3)(nil)
)

const (
	partSize = 16 << 20 // of uploads in parts; one is in memory at a time
	maxParts = 10_000
	// uploadValid is how long the URLs of an upload's parts can be used.
	uploadValid = 12 * time.Hour
)

func openS3(u *url.URL, getenv func(string) string) (artifact.Store, error) {
	endpoint := cmp.Or(getenv("MLFLOW_S3_ENDPOINT_URL"), getenv("AWS_ENDPOINT_URL_S3"), getenv("AWS_ENDPOINT_URL"), "https://s3.amazonaws.com")
	if u.Scheme == "gs" {
		endpoint = "https://storage.googleapis.com"
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, errs.New(errs.Usage, "the endpoint %q is not an http or https URL", endpoint)
	}
	o := &minio.Options{Secure: at.Scheme == "https", Region: cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))}
	if key := getenv("AWS_ACCESS_KEY_ID"); key != "" {
		o.Creds = credentials.NewStaticV4(key, getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))
	} else {
		o.Creds = credentials.NewChainCredentials([]credentials.Provider{
			&credentials.FileAWSCredentials{Profile: getenv("AWS_PROFILE")}, &credentials.IAM{Client: &http.Client{Timeout: 10 * time.Second}},
		})
	}
	core, err := minio.NewCore(at.Host, o)
	if err != nil {
		return nil, errs.New(errs.Usage, "%w", err)
	}
	return &s3{core, u.Host, prefixOf(u)}, nil
}

func s3Fault(err error) error {
	if err == nil {
		return nil
	}
	var e minio.ErrorResponse
	if errors.As(err, &e) {
		return faultOf(e.StatusCode, err)
	}
	return faultOf(0, err)
}

func missing(err error) bool {
	var e minio.ErrorResponse
	return errors.As(err, &e) && (e.Code == minio.NoSuchKey || e.StatusCode == http.StatusNotFound && e.Code != minio.NoSuchBucket)
}

// Put stores a file; the service shows it when it is whole.
func (s *s3) Put(ctx context.Context, p string, r io.Reader, size int64) error {
	if p == "" {
		return errPath()
	}
	part := uint64(partSize)
	if size > partSize*maxParts {
		part = uint64(size)/maxParts + 1
	}
	_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix.name(p), exactly(ctx, r, size), size, minio.PutObjectOptions{PartSize: part, NumThreads: 1})
	return s3Fault(err)
}

// Open returns a file for reading.
func (s *s3) Open(ctx context.Context, p string) (artifact.File, error) {
	if p == "" {
		return nil, errPath()
	}
	body, info, _, err := s.core.GetObject(ctx, s.bucket, s.prefix.name(p), minio.GetObjectOptions{})
	if missing(err) {
		return nil, noArtifact(p)
	}
	if err != nil {
		return nil, s3Fault(err)
	}
	return &object{size: info.Size, body: body, open: func(offset int64) (io.ReadCloser, error) {
		var o minio.GetObjectOptions
		if offset > 0 {
			if err := o.SetRange(offset, 0); err != nil {
				return nil, err
			}
		}
		if err := o.SetMatchETag(info.ETag); err != nil {
			return nil, err
		}
		body, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix.name(p), o)
		return body, s3Fault(err)
	}}, nil
}

func (s *s3) stat(ctx context.Context, p string) (minio.ObjectInfo, error) {
	if p == "" {
		return minio.ObjectInfo{}, errPath()
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix.name(p), minio.StatObjectOptions{})
	if missing(err) {
		return info, noArtifact(p)
	}
	return info, s3Fault(err)
}

// List returns the entries of a folder.
func (s *s3) List(ctx context.Context, p string) ([]artifact.Entry, error) {
	folder := s.prefix.folder(p)
	var out []artifact.Entry
	for o := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: folder}) {
		if o.Err != nil {
			return nil, s3Fault(o.Err)
		}
		name := strings.TrimPrefix(o.Key, folder)
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			out = append(out, artifact.Entry{Name: dir, Dir: true})
		} else if name != "" {
			out = append(out, artifact.Entry{Name: name, Size: o.Size})
		}
	}
	slices.SortFunc(out, func(a, b artifact.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Delete removes a file or a folder.
func (s *s3) Delete(ctx context.Context, p string) error {
	if p == "" {
		return errPath()
	}
	err := s.core.RemoveObject(ctx, s.bucket, s.prefix.name(p), minio.RemoveObjectOptions{})
	if err != nil && !missing(err) {
		return s3Fault(err)
	}
	for o := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix.folder(p), Recursive: true}) {
		err := o.Err
		if err == nil {
			err = s.core.RemoveObject(ctx, s.bucket, o.Key, minio.RemoveObjectOptions{})
		}
		if err != nil {
			return s3Fault(err)
		}
	}
	return nil
}

// Begin starts an upload in parts.
func (s *s3) Begin(ctx context.Context, p string, n int) (string, []artifact.Part, error) {
	if p == "" {
		return "", nil, errPath()
	}
	if n < 1 || n > maxParts {
		return "", nil, errs.New(errs.Invalid, "an upload has 1 to %d parts, not %d", maxParts, n)
	}
	id, err := s.core.NewMultipartUpload(ctx, s.bucket, s.prefix.name(p), minio.PutObjectOptions{})
	if err != nil {
		return "", nil, s3Fault(err)
	}
	parts := make([]artifact.Part, n)
	for i := range parts {
		q := url.Values{"partNumber": {strconv.Itoa(i + 1)}, "uploadId": {id}}
		u, err := s.core.Presign(ctx, http.MethodPut, s.bucket, s.prefix.name(p), uploadValid, q)
		if err != nil {
			return "", nil, s3Fault(err)
		}
		parts[i] = artifact.Part{Number: i + 1, URL: u.String()}
	}
	return id, parts, nil
}

// Finish makes the file of its parts.
func (s *s3) Finish(ctx context.Context, p, id string, parts []artifact.Sent) error {
	if p == "" {
		return errPath()
	}
	list := make([]minio.CompletePart, len(parts))
	for i, part := range parts {
		list[i] = minio.CompletePart{PartNumber: part.Number, ETag: strings.Trim(part.ETag, `"`)}
	}
	slices.SortFunc(list, func(a, b minio.CompletePart) int { return cmp.Compare(a.PartNumber, b.PartNumber) })
	_, err := s.core.CompleteMultipartUpload(ctx, s.bucket, s.prefix.name(p), id, list, minio.PutObjectOptions{})
	return s3Fault(err)
}

// Abort forgets an upload.
func (s *s3) Abort(ctx context.Context, p, id string) error {
	if p == "" {
		return errPath()
	}
	return s3Fault(s.core.AbortMultipartUpload(ctx, s.bucket, s.prefix.name(p), id))
}

// SignedGet returns a URL to read a file at.
func (s *s3) SignedGet(ctx context.Context, p string, valid time.Duration) (string, int64, error) {
	info, err := s.stat(ctx, p)
	if err != nil {
		return "", 0, err
	}
	u, err := s.core.PresignedGetObject(ctx, s.bucket, s.prefix.name(p), valid, nil)
	if err != nil {
		return "", 0, s3Fault(err)
	}
	return u.String(), info.Size, nil
}

// SignedPut returns a URL to send a file to.
func (s *s3) SignedPut(ctx context.Context, p string, valid time.Duration) (string, map[string]string, error) {
	if p == "" {
		return "", nil, errPath()
	}
	u, err := s.core.PresignedPutObject(ctx, s.bucket, s.prefix.name(p), valid)
	if err != nil {
		return "", nil, s3Fault(err)
	}
	return u.String(), nil, nil
}
