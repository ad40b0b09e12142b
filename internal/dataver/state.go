package dataver

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"
)

// known is the state of one path: the files it had when they were last hashed.
type known struct {
	oid   OID // of the path as a whole; "" when it is not all known
	files []hashed
}

// hashed is a file and what it held.
type hashed struct {
	found
	sum [md5.Size]byte
}

const stateMagic = "drivecast data state 1\n"

// settle is how old a file must be, in ns, when it is hashed, for the state to
// vouch for it: clocks of file systems are coarse.
const settle = 20e6

func stateFile(dir, key string) string {
	sum := md5.Sum([]byte(key))
	return filepath.Join(dir, hex.EncodeToString(sum[:])+".state")
}

// readState returns what is known of a key; nothing when the file is missing or
// damaged.
func readState(dir, key string) *known {
	text, err := os.ReadFile(stateFile(dir, key))
	if err != nil || len(text) < len(stateMagic)+crc32.Size || string(text[:len(stateMagic)]) != stateMagic {
		return &known{}
	}
	body, sum := text[len(stateMagic):len(text)-crc32.Size], text[len(text)-crc32.Size:]
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(sum) {
		return &known{}
	}
	r := decoder{body: body, all: string(body)}
	k := &known{oid: OID(r.text())}
	n := r.number()
	if n > uint64(len(body)) {
		return &known{}
	}
	k.files = make([]hashed, n)
	for i := range k.files {
		f := &k.files[i]
		f.rel, f.size, f.mtime, f.inode, f.changed = r.text(), int64(r.number()), int64(r.number()), r.number(), int64(r.number())
		f.exec = r.number() == 1
		r.raw(f.sum[:])
	}
	if r.short {
		return &known{}
	}
	return k
}

// writeState replaces what is known of a key. It is not synced: a torn file is
// found out by its checksum.
func writeState(dir, key string, k *known) error {
	body := make([]byte, 0, 64+len(k.files)*96)
	body = appendText(body, string(k.oid))
	body = binary.AppendUvarint(body, uint64(len(k.files)))
	for i := range k.files {
		f := &k.files[i]
		body = appendText(body, f.rel)
		exec := uint64(0)
		if f.exec {
			exec = 1
		}
		for _, v := range []uint64{uint64(f.size), uint64(f.mtime), f.inode, uint64(f.changed), exec} {
			body = binary.AppendUvarint(body, v)
		}
		body = append(body, f.sum[:]...)
	}
	text := append([]byte(stateMagic), body...)
	text = binary.LittleEndian.AppendUint32(text, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return replace(stateFile(dir, key), text, 0o644, false)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decoder reads a state; short is set once something was missing.
type decoder struct {
	body  []byte // what is left
	all   string // everything
	short bool
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.body)
	if n <= 0 {
		d.short, d.body = true, d.body[len(d.body):]
		return 0
	}
	d.body = d.body[n:]
	return v
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.body)) {
		d.short, d.body = true, d.body[len(d.body):]
		return ""
	}
	at := len(d.all) - len(d.body)
	s := d.all[at : at+int(n)] // one text for all: no copy
	d.body = d.body[n:]
	return s
}

func (d *decoder) raw(to []byte) {
	if len(to) > len(d.body) {
		d.short, d.body = true, d.body[len(d.body):]
		return
	}
	d.body = d.body[copy(to, d.body):]
}

// replace writes a file whole: beside its place, then renamed.
func replace(path string, content []byte, mode os.FileMode, durable bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".drivecast-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
