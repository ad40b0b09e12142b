//go:build services && unix

package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
)

// TestBoostingTogether trains one boosted model in three pods, of which one is killed
// under its command, and compares it with the model of one process.
func TestBoostingTogether(t *testing.T) {
	nodes(t, 2)
	core, err := coreclient.NewForConfig(shared.rest)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	must(t, dir, "simulate", "--drives", "200", "--days", "60", "--out", "data")
	fit := []string{"train", "--learner", "GBDT", "--param", "n_estimators=300", "--data"}
	must(t, dir, append(fit, "data", "--out", "alone")...)
	write(t, filepath.Join(dir, "fit.yml"), `
command: >-
  touch `+dir+`/began-$RANK;
  drivecast train --learner GBDT --param n_estimators=300 --data "${{inputs.data}}" --out "${{outputs.model}}/kept"
  --processes $WORLD_SIZE --rank $RANK --coordinator $MASTER_ADDR:$MASTER_PORT
inputs: {data: {type: uri_folder, path: ./data}}
outputs: {model: {type: uri_folder}}
resources: {instance_count: 3}
distribution: {type: pytorch}
`)
	must(t, dir, "job", "create", "-f", "fit.yml", "--target", "kube", "-n", "together")
	for rank := range 3 {
		await(t, time.Minute, fmt.Sprintf("process %d to begin", rank), func() bool {
			_, err := os.Stat(filepath.Join(dir, fmt.Sprintf("began-%d", rank)))
			return err == nil
		})
	}
	time.Sleep(700 * time.Millisecond) // into the fit
	list, err := core.Pods("default").List(context.Background(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=together,batch.kubernetes.io/job-completion-index=1"})
	if err != nil || len(list.Items) != 1 || list.Items[0].Status.Phase != "Running" {
		t.Fatalf("no pod of index 1 runs: %v, %+v", err, list.Items)
	}
	if err := core.Pods("default").Delete(context.Background(), list.Items[0].Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
	code, out, message := drivecast(t, dir, "job", "stream", "-n", "together", "--target", "kube")
	if code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, message, out)
	}
	must(t, dir, "job", "download", "-n", "together", "--target", "kube", "-p", "got")
	alone := read(t, filepath.Join(dir, "alone", "model.drivecast"))
	if got := read(t, filepath.Join(dir, "got", "named-outputs", "model", "0", "kept", "model.drivecast")); got != alone {
		t.Error("the model of three pods differs from that of one process")
	}
}
