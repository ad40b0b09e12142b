package client

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// blockSize is how much of a blob one request carries; what is no longer than that
// goes in one piece. Azure takes up to 50,000 blocks.
const blockSize = 32 << 20

// putBlob writes a file to the signed address of a block blob.
func (c *Client) putBlob(ctx context.Context, address, file string) error {
	n, err := size(file)
	if err != nil {
		return err
	}
	if n <= blockSize {
		return c.sendBlob(ctx, address, map[string]string{"x-ms-blob-type": "BlockBlob"}, piece(file, 0, n), n)
	}
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string `xml:"Latest"`
	}
	for i := int64(0); i*blockSize < n; i++ {
		id := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(i)))
		length := min(blockSize, n-i*blockSize)
		at := withQuery(address, "comp=block&blockid="+url.QueryEscape(id))
		if err := c.sendBlob(ctx, at, nil, piece(file, i*blockSize, length), length); err != nil {
			return errs.Wrap(err, "block %d", i)
		}
		list.Latest = append(list.Latest, id)
	}
	text, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	whole := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(text))), nil }
	return c.sendBlob(ctx, withQuery(address, "comp=blocklist"), nil, whole, int64(len(text)))
}

// withQuery adds to what a signed address asks for.
func withQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// piece opens part of a file.
func piece(file string, from, length int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(f, from, length), f}, nil
	}
}

// sendBlob makes one PUT to a signed address, again while the storage is busy.
func (c *Client) sendBlob(ctx context.Context, address string, header map[string]string, open func() (io.ReadCloser, error), n int64) error {
	resp, err := c.retry(ctx, func() (*http.Response, error) {
		body, err := open()
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, body)
		if err != nil {
			body.Close()
			return nil, err
		}
		if req.ContentLength = n; n == 0 {
			body.Close()
			req.Body = http.NoBody
		}
		for k, v := range header {
			req.Header.Set(k, v)
		}
		return c.http.Do(req)
	})
	if err != nil {
		return unsigned(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return storageError(resp)
	}
	return nil
}

// getBlob reads what is at a signed address.
func (c *Client) getBlob(ctx context.Context, address string) (io.ReadCloser, error) {
	resp, err := c.retry(ctx, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, err
		}
		return c.http.Do(req)
	})
	if err != nil {
		return nil, unsigned(err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, storageError(resp)
	}
	return resp.Body, nil
}

func storageError(resp *http.Response) error {
	kind := errs.Unavailable
	switch resp.StatusCode {
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusForbidden, http.StatusUnauthorized:
		kind = errs.Denied
	}
	return errs.New(kind, "the storage answered %s %s", resp.Status, resp.Header.Get("x-ms-error-code"))
}

// unsigned leaves the address out of an error: whoever has it may write to the blob.
func unsigned(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return u.Err
	}
	return errs.New(errs.Unavailable, "the storage cannot be reached: %w", u.Err)
}
