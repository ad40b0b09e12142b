package table

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"

	"github.com/drivecast/drivecast/errs"
)

// The most that reading a Parquet file may hold at once. What claims more is
// refused before it is unpacked.
const (
	maxParquetFooter = 64 << 20
	maxParquetPage   = 256 << 20 // bytes of a page, packed or not
	maxPageValues    = 16 << 20
	maxParquetChunk  = 1 << 30 // bytes of one page of each column that is read
)

func badParquet(name, problem string) error {
	return &errs.Input{File: name, Problem: "the Parquet file " + problem, Mend: "write or download it again"}
}

// checkFooter looks at the end of a Parquet file before it is decoded.
func checkFooter(r io.ReaderAt, size int64, name string) error {
	var tail [8]byte
	if size < 12 {
		return badParquet(name, "ends too early")
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil {
		return errs.Wrap(err, "read %s", name)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:4]))
	switch {
	case string(tail[4:]) == "PARE":
		return &errs.Input{File: name, Problem: "the Parquet file is encrypted", Mend: "hand over one in plain"}
	case string(tail[4:]) != "PAR1":
		return badParquet(name, "has no end: it was cut short, or is still being written")
	case n > size-12 || n > maxParquetFooter:
		return badParquet(name, "has a damaged footer")
	}
	footer := make([]byte, n)
	if _, err := r.ReadAt(footer, size-8-n); err != nil {
		return errs.Wrap(err, "read %s", name)
	}
	if w := (thriftWalk{b: footer}); !w.object(0, 0) {
		return badParquet(name, "has a damaged footer")
	}
	return nil
}

// pageHeader is what a page says of itself.
type pageHeader struct {
	size              int // of the header
	kind              int // 0 data, 2 dictionary, 3 data of version 2
	unpacked, packed  int
	values            int
	asIs              bool // not packed, whatever the column is
	repeated, defined int  // bytes of levels, which version 2 does not pack
}

func readPageHeader(b []byte) (h pageHeader, ok bool) {
	h.kind, h.unpacked, h.packed = -1, -1, -1
	w := thriftWalk{b: b, integer: func(path, n int) {
		switch path {
		case 1:
			h.kind = n
		case 2:
			h.unpacked = n
		case 3:
			h.packed = n
		case 501, 701, 801:
			h.values = n
		case 807:
			h.asIs = n == 0
		case 805:
			h.defined = n
		case 806:
			h.repeated = n
		}
	}}
	ok = w.object(0, 0)
	h.size = w.at
	return h, ok && h.kind >= 0 && h.unpacked >= 0 && h.packed >= 0 && h.values >= 0 && h.defined >= 0 && h.repeated >= 0
}

// checkChunk goes over the page headers of a column in a row group and returns
// the most bytes that one of its pages takes in memory.
func checkChunk(r io.ReaderAt, size int64, m *format.ColumnMetaData, name string) (int64, error) {
	if len(m.PathInSchema) != 1 {
		return 0, badParquet(name, "is damaged: a column is not where its schema has it")
	}
	damaged := func(what string) error {
		return badParquet(name, fmt.Sprintf("is damaged in column %q: %s", m.PathInSchema[0], what))
	}
	at := m.DataPageOffset
	if d := m.DictionaryPageOffset; d > 0 && d < at {
		at = d
	}
	end := at + m.TotalCompressedSize
	if at < 4 || m.TotalCompressedSize < 0 || end > size || end < at || m.NumValues < 0 {
		return 0, damaged("it lies outside the file")
	}
	var most, dictionary, values int64
	buf := make([]byte, 512)
	for at < end && values < m.NumValues {
		h, err := pageHeaderAt(r, at, end, &buf)
		switch {
		case err != nil:
			return 0, errs.Wrap(err, "read %s", name)
		case h.size == 0:
			return 0, damaged("a page header cannot be read")
		case int64(h.size)+int64(h.packed) > end-at:
			return 0, damaged("a page ends outside the column")
		case h.unpacked > maxParquetPage || h.values > maxPageValues:
			return 0, &errs.Input{File: name, Column: m.PathInSchema[0], Problem: fmt.Sprintf("a page of %d values and %d bytes is too large", h.values, h.unpacked),
				Mend: "write the file with smaller pages or row groups"}
		}
		if err := checkPacked(io.NewSectionReader(r, at+int64(h.size), int64(h.packed)), h, m.Codec); err != nil {
			return 0, damaged(err.Error())
		}
		held := int64(h.unpacked) + 25*int64(h.values)
		if h.kind == 2 {
			dictionary = max(dictionary, held)
		} else {
			most = max(most, held)
			values += int64(h.values)
		}
		at += int64(h.size) + int64(h.packed)
	}
	if values != m.NumValues {
		return 0, damaged(fmt.Sprintf("its pages hold %d of %d values", values, m.NumValues))
	}
	return most + dictionary, nil
}

// pageHeaderAt reads the header that begins at an offset. A header of size 0 cannot
// be read. Statistics may make it long.
func pageHeaderAt(r io.ReaderAt, at, end int64, buf *[]byte) (pageHeader, error) {
	for {
		want := min(int64(len(*buf)), end-at)
		n, err := r.ReadAt((*buf)[:want], at)
		if int64(n) < want {
			return pageHeader{}, err
		}
		if h, ok := readPageHeader((*buf)[:n]); ok {
			return h, nil
		}
		if int64(n) == end-at || n >= 4<<20 {
			return pageHeader{}, nil
		}
		*buf = make([]byte, 8*len(*buf))
	}
}

// checkPacked makes sure that a page unpacks to no more than it says, for the
// formats whose decoder would go on.
func checkPacked(r io.Reader, h pageHeader, codec format.CompressionCodec) error {
	if skip := h.repeated + h.defined; h.kind == 3 && skip > 0 {
		if _, err := io.CopyN(io.Discard, r, int64(skip)); err != nil {
			return fmt.Errorf("a page is shorter than its levels")
		}
		h.unpacked, h.packed = h.unpacked-skip, h.packed-skip
	}
	if h.asIs || h.packed == 0 && h.unpacked == 0 {
		return nil
	}
	if h.unpacked < 0 || h.packed < 0 {
		return fmt.Errorf("a page is shorter than its levels")
	}
	var unpacked io.Reader
	switch codec {
	case format.Snappy, format.Lz4Raw:
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		n, err := 0, error(nil)
		if codec == format.Snappy {
			n, err = snappy.DecodedLen(text)
		} else {
			n, err = lz4.UncompressBlock(text, make([]byte, h.unpacked))
		}
		if err != nil || n != h.unpacked {
			return fmt.Errorf("a page does not unpack to the %d bytes it states", h.unpacked)
		}
		return nil
	case format.Gzip:
		z, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("a page is not packed with gzip")
		}
		unpacked = z
	case format.Brotli:
		unpacked = brotli.NewReader(r)
	case format.Zstd:
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		var head zstd.Header
		if len(text) == 0 || head.Decode(text) == nil && head.HasFCS && head.FrameContentSize == uint64(h.unpacked) {
			return nil
		}
		z, err := zstd.NewReader(bytes.NewReader(text), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxParquetPage))
		if err != nil {
			return err
		}
		defer z.Close()
		unpacked = z
	case format.Uncompressed:
		if h.packed != h.unpacked {
			return fmt.Errorf("a page of %d bytes states %d", h.packed, h.unpacked)
		}
		return nil
	default:
		return fmt.Errorf("it is packed with %s, which is not known here", codec)
	}
	n, _ := io.Copy(io.Discard, io.LimitReader(unpacked, int64(h.unpacked)+1)) // what is damaged shows when it is read
	if n > int64(h.unpacked) {
		return fmt.Errorf("a page unpacks to more than the %d bytes it states", h.unpacked)
	}
	return nil
}
