//go:build unix

package kubelettest

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/drivecast/drivecast/errs"
)

// Config is what a node is made of.
type Config struct {
	Name        string
	Dir         string   // folder for pods, volumes and logs
	CPU, Memory string   // what the node offers, for instance 8 and 16Gi
	Env         []string // environment of every container, KEY=value; a container's own go before
	// Pull returns the folder of an unpacked image. When it is nil, images are ignored.
	// It is asked again while it fails, and may be called by several pods at a time.
	Pull      func(image string) (folder string, err error)
	Heartbeat time.Duration
	Logger    *slog.Logger
}

// Node is a running node.
type Node struct {
	cfg    Config
	core   coreclient.CoreV1Interface
	lease  coordination.LeaseInterface
	server *http.Server
	port   int32

	cut  atomic.Bool // partitioned
	ctx  context.Context
	stop context.CancelFunc
	all  sync.WaitGroup // loops of the node
	work sync.WaitGroup // pods

	mu   sync.Mutex
	pods map[types.UID]*podRun
	dead bool
}

// Start registers a node and runs it until ctx ends or it is stopped.
func Start(ctx context.Context, rc *rest.Config, cfg Config) (*Node, error) {
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, errs.Wrap(err, "make the node's folder")
	}
	cfg.Dir = dir
	n := &Node{cfg: cfg, pods: map[types.UID]*podRun{}}
	if err := n.connect(rc); err != nil {
		return nil, err
	}
	n.ctx, n.stop = context.WithCancel(ctx)
	if err := n.serve(); err != nil {
		n.stop()
		return nil, err
	}
	if err := n.register(n.ctx); err != nil {
		n.stop()
		n.server.Close()
		return nil, err
	}
	n.all.Go(n.beat)
	n.all.Go(n.watch)
	return n, nil
}

func (n *Node) connect(rc *rest.Config) error {
	own := rest.CopyConfig(rc)
	own.QPS, own.Burst, own.UserAgent = 200, 400, "kubelettest/"+n.cfg.Name
	own.Wrap(func(next http.RoundTripper) http.RoundTripper { return cable{n, next} })
	core, err := coreclient.NewForConfig(own)
	if err != nil {
		return errs.Wrap(err, "connect the node")
	}
	leases, err := coordination.NewForConfig(own)
	if err != nil {
		return errs.Wrap(err, "connect the node")
	}
	n.core, n.lease = core, leases.Leases(corev1.NamespaceNodeLease)
	return nil
}

// cable carries requests unless the node is partitioned.
type cable struct {
	n    *Node
	next http.RoundTripper
}

var errCut = errors.New("the node is partitioned")

// RoundTrip is described at http.RoundTripper.
func (c cable) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.n.cut.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errCut}
	}
	return c.next.RoundTrip(r)
}

// Partition cuts the node off from the control plane, or joins it again. Its
// processes go on.
func (n *Node) Partition(cut bool) {
	n.cut.Store(cut)
	n.cfg.Logger.Info("partition", "node", n.cfg.Name, "cut", cut)
}

// Kill is a loss of power: every process is gone at once and nobody is told.
func (n *Node) Kill() {
	n.cut.Store(true)
	n.mu.Lock()
	n.dead = true
	for _, p := range n.pods {
		p.killAll()
	}
	n.mu.Unlock()
	n.shut()
}

// Stop ends the node's pods and takes the node out of the cluster.
func (n *Node) Stop() {
	n.mu.Lock()
	for _, p := range n.pods {
		p.end()
	}
	n.mu.Unlock()
	late, stop := context.WithTimeout(context.WithoutCancel(n.ctx), 5*time.Second)
	defer stop()
	if err := n.core.Nodes().Delete(late, n.cfg.Name, deleteNow("")); err != nil {
		n.cfg.Logger.Warn("the node could not sign off", "node", n.cfg.Name, "error", err)
	}
	n.shut()
}

func (n *Node) shut() {
	n.stop()
	n.server.Close()
	n.all.Wait()
	n.mu.Lock()
	n.dead = true
	for _, p := range n.pods {
		p.killAll()
	}
	n.mu.Unlock()
	n.work.Wait()
}
