//go:build unix

package kubelettest

import (
	"context"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/drivecast/drivecast/errs"
)

const (
	address  = "127.0.0.1" // of the node and all its pods
	maxPods  = 110
	leaseFor = 40 // seconds
)

// register makes the Node object, or takes over the one of an earlier life.
func (n *Node) register(ctx context.Context) error {
	offers := corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(maxPods, resource.DecimalSI)}
	for name, text := range map[corev1.ResourceName]string{corev1.ResourceCPU: n.cfg.CPU, corev1.ResourceMemory: n.cfg.Memory} {
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return errs.New(errs.Usage, "node %s offers %s %q: %w", n.cfg.Name, name, text, err)
		}
		offers[name] = q
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.cfg.Name, Labels: map[string]string{
		corev1.LabelHostname: n.cfg.Name, corev1.LabelOSStable: "linux", "drivecast.dev/node": "process",
	}}}
	_, err := n.core.Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return errs.Wrap(err, "register node %s", n.cfg.Name)
	}
	for {
		err := n.report(ctx, offers)
		if err == nil {
			return n.renew(ctx)
		}
		if !apierrors.IsConflict(err) { // a controller wrote to it in between
			return errs.Wrap(err, "register node %s", n.cfg.Name)
		}
	}
}

// report writes what the node offers, and that it is ready.
func (n *Node) report(ctx context.Context, offers corev1.ResourceList) error {
	node, err := n.core.Nodes().Get(ctx, n.cfg.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	now := metav1.Now()
	node.Status = corev1.NodeStatus{
		Capacity: offers, Allocatable: offers, Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: n.port}},
		NodeInfo:        corev1.NodeSystemInfo{OperatingSystem: "linux", ContainerRuntimeVersion: "process://1", KubeletVersion: "v1.35.4"},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "processes can be started", LastHeartbeatTime: now, LastTransitionTime: now,
		}},
	}
	_, err = n.core.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// beat renews the lease, and says so again if the cluster took the node for lost.
func (n *Node) beat() {
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(n.cfg.Heartbeat):
		}
		if err := n.renew(n.ctx); err != nil {
			continue
		}
		node, err := n.core.Nodes().Get(n.ctx, n.cfg.Name, metav1.GetOptions{})
		if err != nil || ready(node) {
			continue
		}
		if err := n.register(n.ctx); err != nil {
			n.cfg.Logger.Warn("register again", "error", err)
		}
	}
}

func ready(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (n *Node) renew(ctx context.Context) error {
	now := metav1.NowMicro()
	spec := coordinationv1.LeaseSpec{HolderIdentity: &n.cfg.Name, LeaseDurationSeconds: new(int32(leaseFor)), RenewTime: &now}
	l, err := n.lease.Get(ctx, n.cfg.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = n.lease.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: n.cfg.Name}, Spec: spec}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	l.Spec = spec
	_, err = n.lease.Update(ctx, l, metav1.UpdateOptions{})
	return err
}

// deleteNow are the options of a deletion that takes the object away at once; uid,
// when not "", sees to it that no namesake is hit.
func deleteNow(uid types.UID) metav1.DeleteOptions {
	o := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
	if uid != "" {
		o.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	return o
}
