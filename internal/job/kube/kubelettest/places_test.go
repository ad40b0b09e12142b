//go:build unix

package kubelettest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestPlacesStandInForMountsImagesAndAddresses(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "opt", "model"), 0o755); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "7f0b"}}
	c := corev1.Container{Image: "a:1", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}, VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}}
	pod.Spec.Containers = []corev1.Container{c}
	r := newPodRun(&Node{ctx: t.Context(), cfg: Config{Dir: "/n"}}, pod)
	r.roots["a:1"] = root
	if !strings.HasPrefix(r.address, "127.") || r.address == address {
		t.Fatalf("a pod with ports has the address %s", r.address)
	}
	for given, want := range map[string]string{
		"--host=0.0.0.0": "--host=" + r.address, "10.0.0.0": "10.0.0.0",
		"--uri=sqlite:////data/x.db": "--uri=sqlite:////n/pods/7f0b/volumes/data/x.db",
		"file:///data":               "file:///n/pods/7f0b/volumes/data",
		"http://data":                "http://data",
		"/database":                  "/database",
		"/opt/model":                 root + "/opt/model",
		"/opt/none":                  "/opt/none",
	} {
		if got := r.here(c, []string{given})[0]; got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
	pod.Spec.Containers[0].Ports = nil
	if got := addressOf(pod); got != address {
		t.Errorf("a pod without ports has the address %s", got)
	}
}

func TestProbesPassAndFail(t *testing.T) {
	code := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if w.WriteHeader(code); req.URL.Path != "/livez" {
			t.Errorf("asked %s", req.URL)
		}
	}))
	at := strings.Split(s.Listener.Addr().String(), ":")
	r := &podRun{address: at[0]}
	c := corev1.Container{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: int32(intstr.Parse(at[1]).IntVal)}}}
	get := &corev1.Probe{}
	get.HTTPGet = &corev1.HTTPGetAction{Path: "/livez", Port: intstr.FromString("http")}
	dial := &corev1.Probe{}
	dial.TCPSocket = &corev1.TCPSocketAction{Port: intstr.Parse(at[1])}
	for _, want := range []int{200, 399, 400, 503} {
		code = want
		if err := r.once(t.Context(), c, get); (err == nil) != (want < 400) {
			t.Errorf("%d: %v", want, err)
		}
	}
	if err := r.once(t.Context(), c, dial); err != nil {
		t.Errorf("a port that listens: %v", err)
	}
	s.Close()
	for _, p := range []*corev1.Probe{get, dial, {}} {
		if err := r.once(t.Context(), c, p); err == nil {
			t.Errorf("%+v passes though nobody listens", p)
		}
	}
}
