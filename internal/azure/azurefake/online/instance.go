package online

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

// Names of the two logs of a deployment.
const (
	serverLog  = "inference-server.log"
	storageLog = "storage-initializer.log"
)

// instance is a process in the place of a container.
type instance struct {
	address   string // http://127.0.0.1:PORT
	route     string // where scoring requests go
	timeout   time.Duration
	slots     chan struct{} // one for each request that is answered at once
	most      int           // requests that may be in flight
	wait      time.Duration // how long one may wait for a slot
	log       *os.File
	cancel    context.CancelFunc
	ended     chan struct{} // closed once the process is not started again
	mu        sync.Mutex
	flying    int
	restarts  int
	quick     int  // ends in a row right after a start
	stopAsked bool // by us
}

// wishes are what an environment says of its container.
type wishes struct {
	image                        string
	declared                     bool
	liveness, readiness, scoring route
}

type route struct {
	path string
	port int32
}

func (s *Service) wishes(ws, id string) (wishes, error) {
	w := wishes{}
	if id == "" || curated(id) {
		return w, nil
	}
	text, ok := s.asset(ws, id)
	if !ok {
		return w, fail("NotFound", "environment %s is not registered", id)
	}
	var env arm.EnvironmentVersion
	if err := json.Unmarshal(text, &env); err != nil || env.Properties == nil {
		return w, fail("BadArgument", "environment %s cannot be read", id)
	}
	w.image = value(env.Properties.Image)
	c := env.Properties.InferenceConfig
	if c == nil || c.LivenessRoute == nil && c.ReadinessRoute == nil && c.ScoringRoute == nil {
		return w, nil
	}
	w.declared = true
	for to, from := range map[*route]*arm.Route{&w.liveness: c.LivenessRoute, &w.readiness: c.ReadinessRoute, &w.scoring: c.ScoringRoute} {
		if from == nil {
			return w, fail("BadArgument", "inference_config needs a liveness, a readiness and a scoring route; one is missing")
		}
		*to = route{value(from.Path), value(from.Port)}
	}
	return w, nil
}

// start brings up an instance and returns it once it is ready.
func (s *Service) start(ctx context.Context, e *endpoint, d *deployment, p spec) (*instance, error) {
	dir := s.dir(e, d.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	mount, kind, err := s.fetchModel(e.Workspace, dir, p.model)
	if err != nil {
		return nil, err
	}
	want, err := s.wishes(e.Workspace, p.environment)
	if err != nil {
		return nil, err
	}
	line, instead := s.o.Containers[want.image]
	switch {
	case instead:
	case want.declared && nearby(want.image):
	case p.code || !want.declared && kind != "mlflow_model":
		return nil, fail("UserContainerNotRun", "this control plane runs no images: it serves models without code by the scorer, and containers with an inference_config; "+
			"name a command line for the image with --container IMAGE=COMMAND")
	case s.o.Scorer == "":
		return nil, fail("UserContainerNotRun", "there is no drivecast-score beside this program to serve the model")
	}
	if !want.declared {
		want.liveness, want.readiness, want.scoring = route{"/", 5001}, route{"/", 5001}, route{"/score", 5001}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	i := newInstance(p, want, port)
	if i.log, err = os.Create(filepath.Join(dir, serverLog)); err != nil {
		return nil, err
	}
	argv, env, err := s.command(ctx, want, dir, line, port)
	if err != nil {
		i.say("Container events: Type: Warning, Message: %v", err)
		i.log.Close()
		return nil, err
	}
	env = append(env, "AZUREML_MODEL_DIR="+mount, fmt.Sprintf("PORT=%d", port))
	for key, v := range p.variables {
		env = append(env, key+"="+value(v))
	}
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	i.cancel, i.ended = cancel, make(chan struct{})
	go i.keep(own, argv, env, dir, s.o)
	if err := s.ready(ctx, i, d, p, want); err != nil {
		i.stop()
		return nil, err
	}
	return i, nil
}

// command is what runs in the place of a container: the line that stands for its image,
// the image itself, or the scorer.
func (s *Service) command(ctx context.Context, want wishes, dir, line string, port int) (argv, env []string, err error) {
	env = append([]string{}, s.o.Environ...)
	switch {
	case line != "" && runtime.GOOS == "windows":
		return []string{"cmd", "/C", line}, env, nil
	case line != "":
		return []string{"/bin/sh", "-c", line}, env, nil
	case want.declared && nearby(want.image):
		image, err := pull(ctx, want.image, dir, int(want.scoring.port), port)
		return image.argv, image.env, err
	}
	return []string{s.o.Scorer, "--host", "127.0.0.1", "--port", fmt.Sprint(port)}, env, nil
}

func newInstance(p spec, want wishes, port int) *instance {
	i := &instance{address: fmt.Sprintf("http://127.0.0.1:%d", port), route: want.scoring.path, timeout: 5 * time.Second, wait: 500 * time.Millisecond}
	slots := p.instances
	if r := p.requests; r != nil {
		i.timeout, i.wait = lasting(r.RequestTimeout, i.timeout), lasting(r.MaxQueueWait, i.wait)
		slots *= max(1, int(value(r.MaxConcurrentRequestsPerInstance)))
	}
	i.slots, i.most = make(chan struct{}, slots), 2*slots
	return i
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// keep runs the process, again when it ends, until it ends too often right after its
// start.
func (i *instance) keep(ctx context.Context, argv, env []string, dir string, o Options) {
	defer close(i.ended)
	for {
		began := time.Now()
		c := exec.CommandContext(ctx, argv[0], argv[1:]...)
		c.Env, c.Dir, c.Stdout, c.Stderr, c.WaitDelay = env, dir, i.log, i.log, 2*time.Second
		if o.Group != nil {
			o.Group(c)
		}
		err := c.Run()
		i.mu.Lock()
		asked := i.stopAsked
		i.restarts++
		if i.quick++; time.Since(began) > 10*time.Second {
			i.quick = 1
		}
		tired := i.quick > 3
		i.mu.Unlock()
		if asked || ctx.Err() != nil {
			return
		}
		i.say("Container events: Type: Warning, Message: Back-off restarting failed container (%v)", err)
		if tired {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(o.Step):
		}
	}
}

func (i *instance) say(text string, args ...any) { fmt.Fprintf(i.log, text+"\n", args...) }

// stop ends the process and waits until it is gone.
func (i *instance) stop() {
	i.mu.Lock()
	i.stopAsked = true
	i.mu.Unlock()
	i.cancel()
	<-i.ended
	i.log.Close()
}

// fetchModel lays the model where the container is told that it is, and returns the
// folder and the model's type.
func (s *Service) fetchModel(ws, dir, id string) (mount, kind string, err error) {
	log, err := os.Create(filepath.Join(dir, storageLog))
	if err != nil {
		return "", "", err
	}
	defer log.Close()
	mount = filepath.Join(dir, "azureml-models")
	if err := os.RemoveAll(mount); err != nil || id == "" {
		return mount, "", err
	}
	text, ok := s.asset(ws, id)
	var m arm.ModelVersion
	if !ok || json.Unmarshal(text, &m) != nil || m.Properties == nil {
		fmt.Fprintf(log, "Model %s not found\n", id)
		return "", "", fail("ModelNotFound", "model %s is not registered", id)
	}
	from, err := s.o.Folder(value(m.Properties.ModelURI))
	if err == nil {
		err = copyAll(filepath.Join(mount, filepath.Base(filepath.Dir(filepath.Dir(id))), filepath.Base(id)), from)
	}
	if err != nil {
		fmt.Fprintf(log, "Downloading model %s failed: %v\n", id, err)
		return "", "", fail("ModelDownload", "the model %s cannot be downloaded: %v", id, err)
	}
	fmt.Fprintf(log, "Downloaded model %s\n", id)
	return filepath.Join(mount, filepath.Base(filepath.Dir(filepath.Dir(id))), filepath.Base(id)), value(m.Properties.ModelType), nil
}

// copyAll copies a file into a folder, or a folder's content.
func copyAll(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(to, filepath.Base(from)))
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}
