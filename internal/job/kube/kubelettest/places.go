//go:build unix

package kubelettest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// addressOf is an address of the loopback device that a pod which declares ports has
// to itself, so that several may listen on the same port of one machine; other pods
// have the node's. It follows from the pod's identity.
func addressOf(p *corev1.Pod) string {
	if !slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return len(c.Ports) > 0 }) {
		return address
	}
	h := fnv.New32a()
	h.Write([]byte(p.UID))
	n := h.Sum32()
	return fmt.Sprintf("127.%d.%d.%d", 64+n>>24%64, n>>16&255, 1+n%254)
}

// here replaces the places of mounts and of an image's files by their folders, names
// of pods by the node's address, and the address that means all by the pod's own.
func (r *podRun) here(c corev1.Container, texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = rewrite(t, func(word string) string { return r.place(c, word) })
	}
	return out
}

func (r *podRun) place(c corev1.Container, word string) string {
	if s := r.pod.Spec.Subdomain; s != "" && strings.HasSuffix(word, "."+s) {
		return address
	}
	if word == "0.0.0.0" {
		return r.address
	}
	before := "" // what a URL without a host has before its path
	if strings.HasPrefix(word, "///") {
		path := "/" + strings.TrimLeft(word, "/")
		before, word = word[:len(word)-len(path)], path
	}
	best, dir := "", ""
	for _, m := range c.VolumeMounts {
		if (word == m.MountPath || strings.HasPrefix(word, m.MountPath+"/")) && len(m.MountPath) > len(best) {
			best, dir = m.MountPath, filepath.Join(r.volume(m.Name), m.SubPath)
		}
	}
	if root := r.roots[c.Image]; best == "" && root != "" && strings.HasPrefix(word, "/") {
		if _, err := os.Lstat(root + word); err == nil {
			dir = root
		}
	}
	return before + dir + word[len(best):]
}

// pulled fetches the image, as long as that takes, and reports whether it is there: not
// when the pod is to go first.
func (r *podRun) pulled(c corev1.Container, status *corev1.ContainerStatus) bool {
	if r.n.cfg.Pull == nil {
		return true
	}
	for {
		dir, err := r.n.cfg.Pull(c.Image)
		r.mu.Lock()
		if err == nil {
			r.roots[c.Image] = dir
		} else {
			status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: fmt.Sprintf("pull %s: %v", c.Image, err)}}
		}
		r.mu.Unlock()
		if err == nil {
			return true
		}
		r.push()
		select {
		case <-r.ctx.Done():
			return false
		case <-time.After(time.Second):
		}
	}
}

// claimed makes dir the folder of the volume that is bound to a claim.
func (r *podRun) claimed(dir, name string) error {
	claim, err := r.n.core.PersistentVolumeClaims(r.pod.Namespace).Get(r.ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if claim.Spec.VolumeName == "" {
		return fmt.Errorf("claim %s is not bound", name)
	}
	volume, err := r.n.core.PersistentVolumes().Get(r.ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	from := ""
	switch s := volume.Spec.PersistentVolumeSource; {
	case s.HostPath != nil:
		from = s.HostPath.Path
	case s.Local != nil:
		from = s.Local.Path
	default:
		return fmt.Errorf("volume %s is neither hostPath nor local", volume.Name)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	if err := os.Symlink(from, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
