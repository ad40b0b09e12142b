package online

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// Options of the endpoints.
type Options struct {
	Dir        string            // where the state, the models and the logs are; made when absent
	URL        string            // https://HOST:PORT that clients use
	Step       time.Duration     // how long an action takes that has nothing to do
	Pace       float64           // how many times faster than Azure's the clock of the probes runs; 0 is 1
	Environ    []string          // of the processes
	Scorer     string            // program that serves models; "" makes deployments that need it fail
	Containers map[string]string // image -> command line for the shell, which is to listen on $PORT
	Log        *slog.Logger
	// Asset returns what a workspace registered under an id below it, such as
	// models/NAME/versions/1.
	Asset func(ws, id string) (json.RawMessage, bool)
	// Folder returns the file or folder behind an address of the storage.
	Folder func(address string) (string, error)
	// Group puts a process into a group that ends as a whole; nil leaves it alone.
	Group func(*exec.Cmd)
	// Login reports whether a bearer token is one of the control plane.
	Login func(token string) bool
}

// Service keeps the endpoints and serves them. Manage and Score answer requests; Run
// does the long actions.
type Service struct {
	o    Options
	mux  *http.ServeMux
	wake chan struct{}

	mu        sync.Mutex
	endpoints map[string]*endpoint       // by WORKSPACE/NAME
	scale     map[string]json.RawMessage // autoscale settings by path
	instances map[string]*instance       // by WORKSPACE/ENDPOINT/DEPLOYMENT
	at        map[*deployment]bool       // those that are being worked on
}

// endpoint is an online endpoint, as it is kept.
type endpoint struct {
	Subscription, Group, Workspace, Name string
	Body                                 arm.OnlineEndpoint
	State                                string
	Primary, Secondary                   string
	Deployments                          map[string]*deployment

	dealt  map[string]int // what was dealt to each deployment, to keep the shares
	mirror int            // percent that are due to the mirror
}

// deployment is one of an endpoint's, as it is kept.
type deployment struct {
	Name        string
	Body        arm.OnlineDeployment
	State       string
	Code, Fault string // why it is Failed
	Moment      int    // counts its versions
}

func (e *endpoint) key() string { return e.Workspace + "/" + e.Name }

// kept is the form of the state's file.
type kept struct {
	Endpoints map[string]*endpoint
	Scale     map[string]json.RawMessage
}

// New opens the state in the folder. What was being done when it was last left is
// done again, and what served is served again, once Run runs.
func New(o Options) (*Service, error) {
	if o.Pace <= 0 {
		o.Pace = 1
	}
	for _, path := range []*string{&o.Dir, &o.Scorer} { // processes run in folders of their own
		if *path == "" {
			continue
		}
		whole, err := filepath.Abs(*path)
		if err != nil {
			return nil, errs.Wrap(err, "find %s", *path)
		}
		*path = whole
	}
	s := &Service{o: o, wake: make(chan struct{}, 1), instances: map[string]*instance{}, at: map[*deployment]bool{}}
	s.endpoints, s.scale = map[string]*endpoint{}, map[string]json.RawMessage{}
	text, err := os.ReadFile(s.file())
	if err != nil && !os.IsNotExist(err) {
		return nil, errs.Wrap(err, "read the endpoints")
	}
	if err == nil {
		k := kept{Endpoints: s.endpoints, Scale: s.scale}
		if err := json.Unmarshal(text, &k); err != nil {
			return nil, errs.New(errs.Invalid, "%s holds no endpoints: %w; remove it to begin anew", s.file(), err)
		}
	}
	s.routes()
	return s, nil
}

func (s *Service) file() string { return filepath.Join(s.o.Dir, "online.json") }

// save writes the state; the caller holds the lock.
func (s *Service) save() error {
	text, err := json.Marshal(kept{s.endpoints, s.scale})
	if err != nil {
		return errs.Wrap(err, "write the endpoints")
	}
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return errs.Wrap(err, "make %s", s.o.Dir)
	}
	f, err := os.CreateTemp(s.o.Dir, ".online-*")
	if err != nil {
		return errs.Wrap(err, "write the endpoints")
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), s.file())
	}
	return errs.Wrap(err, "keep the endpoints")
}

// change alters the state under the lock and keeps it.
func (s *Service) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	if err := s.save(); err != nil {
		s.o.Log.Error("keep the endpoints", "error", err)
	}
}

// poke wakes Run.
func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// pause lets an action take its time.
func (s *Service) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(s.o.Step):
		return true
	}
}
