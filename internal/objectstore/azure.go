package objectstore

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
)

// azure is a container of Azure Blob Storage.
type azure struct {
	client *container.Client
	prefix prefix
}

var (
	_ artifact.Multipart = (*azure)(nil)
	_ artifact.Presigner = (*azure)(nil)
)

const (
	blockSize = 8 << 20 // of uploads; one is in memory at a time
	maxBlocks = 50_000
)

func openAzure(u *url.URL, getenv func(string) string) (artifact.Store, error) {
	name, account, endpoint := u.Host, getenv("AZURE_STORAGE_ACCOUNT"), ""
	if u.User != nil { // CONTAINER@ACCOUNT.blob.core.windows.net
		name, endpoint = u.User.Username(), "https://"+u.Host
		account, _, _ = strings.Cut(u.Host, ".")
	}
	at := &azure{prefix: prefixOf(u)}
	var err error
	if text := getenv("AZURE_STORAGE_CONNECTION_STRING"); text != "" {
		if at.client, err = container.NewClientFromConnectionString(text, name, nil); err != nil {
			return nil, errs.New(errs.Usage, "AZURE_STORAGE_CONNECTION_STRING is no connection string") // the error may quote the key
		}
		return at, nil
	}
	if account == "" {
		return nil, errs.New(errs.Usage, "nothing names the storage account; write wasbs://CONTAINER@ACCOUNT.blob.core.windows.net/PREFIX, or set AZURE_STORAGE_ACCOUNT")
	}
	place := cmp.Or(endpoint, "https://"+account+".blob.core.windows.net") + "/" + name
	key, token := getenv("AZURE_STORAGE_ACCESS_KEY"), strings.TrimPrefix(getenv("AZURE_STORAGE_SAS_TOKEN"), "?")
	switch {
	case key != "":
		var cred *container.SharedKeyCredential
		if cred, err = blob.NewSharedKeyCredential(account, key); err != nil {
			return nil, errs.New(errs.Usage, "AZURE_STORAGE_ACCESS_KEY is not base64")
		}
		at.client, err = container.NewClientWithSharedKeyCredential(place, cred, nil)
	case token != "":
		at.client, err = container.NewClientWithNoCredential(place+"?"+token, nil)
	default:
		return nil, errs.New(errs.Usage, "there are no credentials; set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_SAS_TOKEN")
	}
	return at, err
}

func azureFault(err error) error {
	if err == nil {
		return nil
	}
	var e *azcore.ResponseError
	if errors.As(err, &e) {
		return faultOf(e.StatusCode, errs.New(errs.Internal, "%s", e.ErrorCode)) // the whole error is a page of headers
	}
	return faultOf(0, err)
}

func blobMissing(err error) bool {
	var e *azcore.ResponseError
	return errors.As(err, &e) && e.StatusCode == http.StatusNotFound && e.ErrorCode != "ContainerNotFound"
}

// Put stores a file; the service shows it when its blocks are committed.
func (s *azure) Put(ctx context.Context, p string, r io.Reader, size int64) error {
	if p == "" {
		return errPath()
	}
	block := int64(blockSize)
	if size > blockSize*maxBlocks {
		block = size/maxBlocks + 1
	}
	_, err := s.client.NewBlockBlobClient(s.prefix.name(p)).UploadStream(ctx, exactly(ctx, r, size), &blockblob.UploadStreamOptions{BlockSize: block})
	return azureFault(err)
}

// Open returns a file for reading.
func (s *azure) Open(ctx context.Context, p string) (artifact.File, error) {
	if p == "" {
		return nil, errPath()
	}
	b := s.client.NewBlobClient(s.prefix.name(p))
	first, err := b.DownloadStream(ctx, nil)
	if blobMissing(err) {
		return nil, noArtifact(p)
	}
	if err != nil {
		return nil, azureFault(err)
	}
	return &object{size: *first.ContentLength, body: first.Body, open: func(offset int64) (io.ReadCloser, error) {
		resp, err := b.DownloadStream(ctx, &blob.DownloadStreamOptions{
			Range:            blob.HTTPRange{Offset: offset},
			AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: first.ETag}},
		})
		return resp.Body, azureFault(err)
	}}, nil
}

func (s *azure) stat(ctx context.Context, p string) (size int64, err error) {
	if p == "" {
		return 0, errPath()
	}
	props, err := s.client.NewBlobClient(s.prefix.name(p)).GetProperties(ctx, nil)
	if blobMissing(err) {
		return 0, noArtifact(p)
	}
	if err != nil {
		return 0, azureFault(err)
	}
	return *props.ContentLength, nil
}

// List returns the entries of a folder.
func (s *azure) List(ctx context.Context, p string) ([]artifact.Entry, error) {
	folder := s.prefix.folder(p)
	var out []artifact.Entry
	pages := s.client.NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{Prefix: &folder})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, azureFault(err)
		}
		for _, d := range page.Segment.BlobPrefixes {
			out = append(out, artifact.Entry{Name: strings.TrimSuffix(strings.TrimPrefix(*d.Name, folder), "/"), Dir: true})
		}
		for _, b := range page.Segment.BlobItems {
			if name := strings.TrimPrefix(*b.Name, folder); name != "" {
				out = append(out, artifact.Entry{Name: name, Size: *b.Properties.ContentLength})
			}
		}
	}
	slices.SortFunc(out, func(a, b artifact.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Delete removes a file or a folder.
func (s *azure) Delete(ctx context.Context, p string) error {
	if p == "" {
		return errPath()
	}
	if err := s.remove(ctx, s.prefix.name(p)); err != nil {
		return err
	}
	folder := s.prefix.folder(p)
	pages := s.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &folder})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return azureFault(err)
		}
		for _, b := range page.Segment.BlobItems {
			if err := s.remove(ctx, *b.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *azure) remove(ctx context.Context, name string) error {
	_, err := s.client.NewBlobClient(name).Delete(ctx, nil)
	if blobMissing(err) {
		return nil
	}
	return azureFault(err)
}

// Begin starts an upload in parts: blocks, which are kept by their names.
func (s *azure) Begin(_ context.Context, p string, n int) (string, []artifact.Part, error) {
	if p == "" {
		return "", nil, errPath()
	}
	if n < 1 || n > maxParts {
		return "", nil, errs.New(errs.Invalid, "an upload has 1 to %d parts, not %d", maxParts, n)
	}
	base, err := s.sign(p, sas.BlobPermissions{Create: true, Write: true}, uploadValid)
	if err != nil {
		return "", nil, err
	}
	parts := make([]artifact.Part, n)
	for i := range parts {
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "drivecast-part-%05d", i+1))
		parts[i] = artifact.Part{Number: i + 1, URL: base + "&comp=block&blockid=" + url.QueryEscape(id)}
	}
	return "blocks", parts, nil
}

// Finish commits the blocks that the parts' URLs name.
func (s *azure) Finish(ctx context.Context, p, _ string, parts []artifact.Sent) error {
	if p == "" {
		return errPath()
	}
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b artifact.Sent) int { return cmp.Compare(a.Number, b.Number) })
	ids := make([]string, len(parts))
	for i, part := range parts {
		u, err := url.Parse(part.URL)
		if err != nil || u.Query().Get("blockid") == "" {
			return errs.New(errs.Invalid, "the URL of part %d names no block", part.Number)
		}
		ids[i] = u.Query().Get("blockid")
	}
	_, err := s.client.NewBlockBlobClient(s.prefix.name(p)).CommitBlockList(ctx, ids, nil)
	return azureFault(err)
}

// Abort leaves the blocks of an upload to the service, which drops those that were
// not committed within a week.
func (s *azure) Abort(_ context.Context, p, _ string) error {
	if p == "" {
		return errPath()
	}
	return nil
}

// clocks allows for clocks that differ.
const clocks = 5 * time.Minute

func (s *azure) sign(p string, may sas.BlobPermissions, valid time.Duration) (string, error) {
	now := time.Now().UTC()
	start := now.Add(-clocks)
	u, err := s.client.NewBlobClient(s.prefix.name(p)).GetSASURL(may, now.Add(valid), &blob.GetSASURLOptions{StartTime: &start})
	if err != nil {
		return "", errs.New(errs.Unsupported, "this store signs URLs only with an account key: %w", err)
	}
	return u, nil
}

// SignedGet returns a URL to read a file at.
func (s *azure) SignedGet(ctx context.Context, p string, valid time.Duration) (string, int64, error) {
	size, err := s.stat(ctx, p)
	if err != nil {
		return "", 0, err
	}
	u, err := s.sign(p, sas.BlobPermissions{Read: true}, valid)
	return u, size, err
}

// SignedPut returns a URL to send a file to.
func (s *azure) SignedPut(_ context.Context, p string, valid time.Duration) (string, map[string]string, error) {
	if p == "" {
		return "", nil, errPath()
	}
	u, err := s.sign(p, sas.BlobPermissions{Create: true, Write: true}, valid)
	return u, map[string]string{"x-ms-blob-type": "BlockBlob"}, err
}
