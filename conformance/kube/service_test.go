//go:build services && linux

package kube

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/drivecast/drivecast/internal/job/kube/kubelettest"
)

// node starts a node that finds images by pull.
func node(t *testing.T, pull func(image string) (string, error)) {
	t.Helper()
	n, err := kubelettest.Start(context.Background(), shared.rest, kubelettest.Config{
		Name: strings.ToLower(t.Name()), Dir: t.TempDir(), CPU: "8", Memory: "16Gi", Pull: pull,
		Env: []string{"PATH=" + os.Getenv("PATH")}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
}

// service is what a cluster's network makes of a Service: an address that is answered
// by one of the pods that are ready.
type service struct {
	*testing.T
	core        v1.CoreV1Interface
	space, name string
	url         string
	turn        atomic.Uint64
}

func (r *release) service(name string) *service {
	r.Helper()
	quick := rest.CopyConfig(shared.rest)
	quick.QPS = -1 // as often as it is asked
	core, err := v1.NewForConfig(quick)
	if err != nil {
		r.Fatal(err)
	}
	s := &service{T: r.T, core: core, space: r.space, name: name}
	proxy := &httputil.ReverseProxy{
		Transport: s, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(r.Output(), nil), slog.LevelInfo),
		Rewrite: func(p *httputil.ProxyRequest) { p.Out.URL.Scheme, p.Out.Host = "http", "127.0.0.1" },
	}
	at := httptest.NewServer(proxy)
	r.Cleanup(at.Close)
	s.url = at.URL
	return s
}

// ready are the addresses of the pods that the Service selects.
func (s *service) ready() (out []string) {
	it, err := s.core.Services(s.space).Get(context.Background(), s.name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	pods, err := s.core.Pods(s.space).List(context.Background(), metav1.ListOptions{LabelSelector: labels.SelectorFromSet(it.Spec.Selector).String()})
	if err != nil {
		return nil
	}
	for _, p := range pods.Items {
		isReady := func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue }
		if p.DeletionTimestamp != nil || !slices.ContainsFunc(p.Status.Conditions, isReady) {
			continue
		}
		port := it.Spec.Ports[0].TargetPort.String()
		for _, c := range p.Spec.Containers[0].Ports {
			if c.Name == port {
				port = fmt.Sprint(c.ContainerPort)
			}
		}
		out = append(out, net.JoinHostPort(p.Status.PodIP, port))
	}
	return out
}

// RoundTrip sends to the next pod that is ready, on a connection of its own.
func (s *service) RoundTrip(req *http.Request) (*http.Response, error) {
	pods := s.ready()
	if len(pods) == 0 {
		return nil, fmt.Errorf("service %s has no pod that is ready", s.name)
	}
	req.URL.Scheme, req.URL.Host = "http", pods[s.turn.Add(1)%uint64(len(pods))]
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
}

func (s *service) get(path string) {
	s.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		s.Fatalf("%s of service %s: %s %s", path, s.name, resp.Status, text)
	}
}

// asking scores one worn drive again and again.
type asking struct {
	s      *service
	end    chan struct{}
	gone   sync.WaitGroup
	mu     sync.Mutex
	count  int
	failed []string
}

func (s *service) keepAsking() *asking {
	a := &asking{s: s, end: make(chan struct{})}
	a.gone.Go(func() {
		for {
			_, err := a.one()
			a.mu.Lock()
			a.count++
			if err != nil {
				a.failed = append(a.failed, err.Error())
			}
			a.mu.Unlock()
			select {
			case <-a.end:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	s.Cleanup(func() { a.stop() })
	return a
}

func (a *asking) one() (string, error) {
	resp, err := http.Post(a.s.url+"/invocations", "application/json", strings.NewReader(`{"dataframe_split": {"columns": ["hours", "errors"], "data": [[19000, 3]]}}`))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

// wants fails unless every pod that is ready predicts this class.
func (a *asking) wants(class int) {
	a.s.Helper()
	for range max(1, len(a.s.ready())) {
		got, err := a.one()
		if err != nil || !strings.Contains(strings.ReplaceAll(got, " ", ""), fmt.Sprintf(`"predictions":[%d]`, class)) {
			a.s.Errorf("a worn drive is %s (%v), want %d", got, err, class)
		}
	}
}

// stop ends it, and fails if a request was not answered.
func (a *asking) stop() {
	a.s.Helper()
	select {
	case <-a.end:
		return
	default:
	}
	close(a.end)
	a.gone.Wait()
	if a.s.Logf("%d requests through every change", a.count); len(a.failed) > 0 {
		a.s.Errorf("%d of them failed: %s", len(a.failed), a.failed[0])
	}
}
