//go:build services && unix

package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

// TestLostNodes takes the power from one node and cuts another off while shards run
// on them. Their shards run once more, the others once, and the result is whole.
func TestLostNodes(t *testing.T) {
	const shards = 10
	five := nodes(t, 5) // were half of them lost, the cluster would take itself for cut off, and evict nobody
	core, err := coreclient.NewForConfig(shared.rest)
	if err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "all nodes to take pods", func() bool { return taking(t, core) >= len(five) })
	dir := t.TempDir()
	starts := filepath.Join(dir, "starts")
	write(t, filepath.Join(dir, "shards.yml"), `
command: >-
  echo $JOB_COMPLETION_INDEX >> `+starts+`;
  while [ ! -e `+dir+`/go ]; do sleep 0.2; done;
  echo $((JOB_COMPLETION_INDEX * 3)) > "${{outputs.parts}}/triple"
outputs: {parts: {type: uri_folder, path: ./parts}}
`)
	must(t, dir, "job", "create", "-f", "shards.yml", "--target", "kube", "--shards", fmt.Sprint(shards), "-n", "lost_nodes", "--evict-after", "2s")
	count := func() int {
		b, err := os.ReadFile(starts)
		if err != nil {
			return 0
		}
		return strings.Count(string(b), "\n")
	}
	await(t, time.Minute, "all shards to start", func() bool { return count() == shards })
	on := podsByNode(t, core, "lost-nodes")
	var busy []int // the scheduler may leave nodes without shards
	for i := range five {
		if len(on[fmt.Sprintf("testlostnodes-%d", i)]) > 0 {
			busy = append(busy, i)
		}
	}
	if len(busy) < 2 {
		t.Fatalf("the scheduler gave one node all shards: %v", on)
	}
	killed, cut := fmt.Sprintf("testlostnodes-%d", busy[0]), fmt.Sprintf("testlostnodes-%d", busy[1])
	five[busy[0]].Kill()
	five[busy[1]].Partition(true)
	outOfService(t, core, killed)
	await(t, time.Minute, "the eviction of the shards of the node that is cut off", func() bool { return evicted(t, core, cut) })
	five[busy[1]].Partition(false)
	again := shards + len(on[killed]) + len(on[cut])
	await(t, 2*time.Minute, "the lost shards to start again", func() bool { return count() >= again })
	write(t, filepath.Join(dir, "go"), "")
	code, _, message := drivecast(t, dir, "job", "stream", "-n", "lost_nodes", "--target", "kube")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, message)
	}
	must(t, dir, "job", "download", "-n", "lost_nodes", "--target", "kube", "-p", "got")
	lost := append(on[killed], on[cut]...)
	for i := range shards {
		want := 1
		for _, l := range lost {
			if l == fmt.Sprint(i) {
				want = 2
			}
		}
		got := 0
		for line := range strings.Lines(read(t, starts)) {
			if line == fmt.Sprintf("%d\n", i) {
				got++
			}
		}
		if got != want {
			t.Errorf("shard %d started %d times, want %d", i, got, want)
		}
		if got := read(t, filepath.Join(dir, "got", "named-outputs", "parts", fmt.Sprint(i), "triple")); got != fmt.Sprintf("%d\n", 3*i) {
			t.Errorf("shard %d left %q", i, got)
		}
	}
}

// taking is how many of the test's nodes are ready and free of taints.
func taking(t *testing.T, core coreclient.CoreV1Interface) (count int) {
	t.Helper()
	list, err := core.Nodes().List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list.Items {
		ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		if ready && len(n.Spec.Taints) == 0 && strings.HasPrefix(n.Name, "testlostnodes-") {
			count++
		}
	}
	return count
}

// podsByNode are the indexes of a job's pods by the node they are on.
func podsByNode(t *testing.T, core coreclient.CoreV1Interface, object string) map[string][]string {
	t.Helper()
	list, err := core.Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + object})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, p := range list.Items {
		out[p.Spec.NodeName] = append(out[p.Spec.NodeName], p.Annotations["batch.kubernetes.io/job-completion-index"])
	}
	return out
}

// outOfService says what an administrator says of a node that has lost its power.
func outOfService(t *testing.T, core coreclient.CoreV1Interface, node string) {
	t.Helper()
	await(t, time.Minute, "the loss of "+node+" to be seen", func() bool {
		n, err := core.Nodes().Get(context.Background(), node, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range n.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status != corev1.ConditionTrue {
				n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute})
				_, err := core.Nodes().Update(context.Background(), n, metav1.UpdateOptions{})
				return err == nil
			}
		}
		return false
	})
}

// evicted reports whether all shards of a node are to go.
func evicted(t *testing.T, core coreclient.CoreV1Interface, node string) bool {
	t.Helper()
	list, err := core.Pods("default").List(context.Background(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			return false
		}
	}
	return true
}

// TestKilledPod deletes a shard's pod under its command.
func TestKilledPod(t *testing.T) {
	nodes(t, 1)
	core, err := coreclient.NewForConfig(shared.rest)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shards.yml"), `
command: >-
  echo $JOB_COMPLETION_INDEX >> `+dir+`/starts; while [ ! -e `+dir+`/go ]; do sleep 0.1; done; echo $JOB_COMPLETION_INDEX > "${{outputs.parts}}/own"
outputs: {parts: {type: uri_folder, path: ./parts}}
`)
	must(t, dir, "job", "create", "-f", "shards.yml", "--target", "kube", "--shards", "3", "-n", "killed_pod")
	lines := func() int { b, _ := os.ReadFile(dir + "/starts"); return strings.Count(string(b), "\n") }
	await(t, time.Minute, "all shards to start", func() bool { return lines() == 3 })
	list, err := core.Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=killed-pod,batch.kubernetes.io/job-completion-index=1"})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d pods of index 1, %v", len(list.Items), err)
	}
	uid := list.Items[0].UID
	err = core.Pods("default").Delete(context.Background(), list.Items[0].Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: (*types.UID)(&uid)}})
	if err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, "the shard to start again", func() bool { return lines() == 4 })
	write(t, filepath.Join(dir, "go"), "")
	if code, _, message := drivecast(t, dir, "job", "stream", "-n", "killed_pod", "--target", "kube"); code != 0 {
		t.Fatalf("exit %d: %s", code, message)
	}
	must(t, dir, "job", "download", "-n", "killed_pod", "--target", "kube", "-p", "got")
	for i := range 3 {
		if got := read(t, filepath.Join(dir, "got", "named-outputs", "parts", fmt.Sprint(i), "own")); got != fmt.Sprintf("%d\n", i) {
			t.Errorf("shard %d left %q", i, got)
		}
	}
}
