package sqlstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"

	"github.com/drivecast/drivecast/errs"
)

// sealer keeps secrets unreadable in the database and its backups: AES-256-GCM
// with a key that lies in a file of its own beside the database.
type sealer struct{ aead cipher.AEAD }

const keySize = 32

// sealer reads the key, or makes one. Without a file for it, it lasts as long as
// the database is open.
func (d *DB) sealer() (*sealer, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	if file := d.key; file != "" {
		old, err := os.ReadFile(file)
		switch {
		case err == nil && len(old) == keySize:
			key = old
		case err == nil:
			return nil, errs.New(errs.Invalid, "%s does not hold a key of %d bytes; restore it, or remove it and the webhooks' secrets", file, keySize)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		default:
			if err := writeNew(file, key); err != nil {
				return nil, err
			}
		}
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead}, err
}

// writeNew writes a file that only its owner reads, whole or not at all.
func writeNew(file string, data []byte) error {
	temp := file + ".new"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, file)
}

func (s *sealer) seal(text string) string {
	if text == "" {
		return ""
	}
	nonce := make([]byte, s.aead.NonceSize())
	rand.Read(nonce)
	return base64.StdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), nil))
}

func (s *sealer) open(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < s.aead.NonceSize() {
		return "", errs.New(errs.Internal, "a sealed secret is garbled")
	}
	n := s.aead.NonceSize()
	out, err := s.aead.Open(nil, raw[:n], raw[n:], nil)
	if err != nil {
		return "", errs.New(errs.State, "a webhook's secret was sealed with another key; restore the .key file, or set the secret anew")
	}
	return string(out), nil
}
