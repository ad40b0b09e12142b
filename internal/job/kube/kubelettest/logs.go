//go:build unix

package kubelettest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// serve listens for the API server, which asks for logs, under a certificate of its
// own making.
func (n *Node) serve() error {
	cert, err := certificate()
	if err != nil {
		return errs.Wrap(err, "make the node's certificate")
	}
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		return errs.Wrap(err, "serve logs")
	}
	n.port = int32(l.Addr().(*net.TCPAddr).Port)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.log)
	n.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go n.server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}))
	return nil
}

func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), IPAddresses: []net.IP{net.ParseIP(address)}}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// log copies a container's log, and with follow=true what it gains until its end.
func (n *Node) log(w http.ResponseWriter, r *http.Request) {
	c := n.container(r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container"))
	if n.cut.Load() || c == nil {
		http.Error(w, "no such container", http.StatusNotFound)
		return
	}
	f, err := os.Open(c.log)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	follow := r.URL.Query().Get("follow") == "true"
	w.Header().Set("Content-Type", "text/plain")
	for last := false; ; {
		if _, err := io.Copy(w, f); err != nil || last || !follow {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-c.ended:
			last = true
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n *Node) container(namespace, name, of string) *container {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.pods {
		if p.pod.Namespace == namespace && p.pod.Name == name {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.logs[of]
		}
	}
	return nil
}
