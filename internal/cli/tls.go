package cli

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// TLS holds the flags that make a server speak TLS.
type TLS struct{ cert, key string }

// AddTo adds --tls-cert and --tls-key.
func (o *TLS) AddTo(c *cobra.Command) {
	c.Flags().StringVar(&o.cert, "tls-cert", "", "file of the certificate and those that it rests on, in PEM; the server then speaks https only")
	c.Flags().StringVar(&o.key, "tls-key", "", "file of the certificate's key, in PEM")
}

// Scheme returns http or https.
func (o *TLS) Scheme() string {
	if o.cert != "" {
		return "https"
	}
	return "http"
}

// Config returns what TLS needs, nil without a certificate.
func (o *TLS) Config() (*tls.Config, error) {
	if (o.cert == "") != (o.key == "") {
		return nil, errs.New(errs.Usage, "--tls-cert and --tls-key go together")
	}
	if o.cert == "" {
		return nil, nil
	}
	k := &keyPair{cert: o.cert, key: o.key}
	if _, err := k.get(nil); err != nil {
		return nil, errs.New(errs.Invalid, "read the certificate %s: %w", o.cert, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: k.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// keyPair is read again when its file changes: certificates are renewed while
// the server runs.
type keyPair struct {
	cert, key string
	mu        sync.Mutex
	changed   time.Time
	pair      *tls.Certificate
}

func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Stat(k.cert)
	if err == nil && k.pair != nil && info.ModTime().Equal(k.changed) {
		return k.pair, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(k.cert, k.key)
	if loadErr != nil {
		if k.pair != nil {
			return k.pair, nil // half-renewed files: the old pair still holds
		}
		return nil, loadErr
	}
	k.pair = &pair
	if err == nil {
		k.changed = info.ModTime()
	}
	return k.pair, nil
}
