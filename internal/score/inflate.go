package score

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
)

// inflate replaces the body by what it is compressed of, as its Content-Encoding
// says, and returns how many more bytes are held.
func (h *Handler) inflate(k *work, encoding string) (held int64, bad *fault) {
	var from io.Reader
	var err error
	switch packed := bytes.NewReader(k.body); encoding {
	case "gzip":
		from, err = gzip.NewReader(packed)
	case "deflate":
		from, err = zlib.NewReader(packed)
	default:
		return 0, &fault{http.StatusUnsupportedMediaType, "", "The body may be compressed with gzip or deflate, not with " + encoding, ""}
	}
	plain := work{}
	for room := int64(firstRead); err == nil; room = min(2*room, h.cfg.MaxBody+1) {
		if held, err = h.grow(&plain, held, room); err != nil {
			return held, busy
		}
		var n int
		for err == nil && len(plain.body) < cap(plain.body) {
			n, err = from.Read(plain.body[len(plain.body):cap(plain.body)])
			plain.body = plain.body[:len(plain.body)+n]
		}
		if int64(len(plain.body)) > h.cfg.MaxBody {
			return held, &fault{http.StatusRequestEntityTooLarge, codeInvalid, "The request body is too large once it is inflated.", ""}
		}
	}
	if err != io.EOF {
		return held, badRequest("The body is not compressed with " + encoding + ": " + err.Error())
	}
	k.body = plain.body
	return held, nil
}
