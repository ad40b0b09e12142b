//go:build unix

package kubelettest

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// watch follows the pods that are bound to the node, and begins anew when the
// connection is lost.
func (n *Node) watch() {
	for n.ctx.Err() == nil {
		if err := n.sync(); err != nil && n.ctx.Err() == nil {
			n.cfg.Logger.Debug("watch pods", "node", n.cfg.Name, "error", err)
		}
		select {
		case <-n.ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sync lists the node's pods and follows their changes until the stream ends.
func (n *Node) sync() error {
	mine := metav1.ListOptions{FieldSelector: "spec.nodeName=" + n.cfg.Name}
	list, err := n.core.Pods("").List(n.ctx, mine)
	if err != nil {
		return err
	}
	there := map[types.UID]bool{}
	for i := range list.Items {
		there[list.Items[i].UID] = true
		n.handle(&list.Items[i])
	}
	n.mu.Lock()
	for uid, p := range n.pods {
		if !there[uid] {
			p.killAll() // deleted while we did not look
			delete(n.pods, uid)
		}
	}
	n.mu.Unlock()
	mine.ResourceVersion = list.ResourceVersion
	ctx, stop := context.WithCancel(n.ctx)
	defer stop()
	w, err := n.core.Pods("").Watch(ctx, mine)
	if err != nil {
		return err
	}
	defer w.Stop()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if n.cut.Load() {
				return errCut
			}
		case e, ok := <-w.ResultChan():
			p, isPod := e.Object.(*corev1.Pod)
			if !ok || !isPod {
				return nil
			}
			if e.Type == watch.Deleted {
				n.forget(p)
			} else {
				n.handle(p)
			}
		}
	}
}

// handle starts a pod that is new, and ends one that is to go.
func (n *Node) handle(p *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	run, known := n.pods[p.UID]
	over := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	switch {
	case n.dead:
	case p.DeletionTimestamp != nil && (!known || run.done()):
		n.work.Go(func() { n.remove(p) })
	case p.DeletionTimestamp != nil:
		run.end()
	case known || over:
	default:
		run = newPodRun(n, p)
		n.pods[p.UID] = run
		n.work.Go(run.run)
	}
}

func (n *Node) forget(p *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if run := n.pods[p.UID]; run != nil {
		run.killAll()
		delete(n.pods, p.UID)
	}
}

// remove takes a pod whose processes are gone out of the cluster.
func (n *Node) remove(p *corev1.Pod) {
	err := n.core.Pods(p.Namespace).Delete(n.ctx, p.Name, deleteNow(p.UID))
	if err != nil {
		n.cfg.Logger.Debug("remove a pod", "pod", p.Name, "error", err)
	}
}
