package azurefake

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/drivecast/drivecast/errs"
)

// state is what outlives the server: every resource as the JSON of its last PUT,
// by its path below the workspace, and the jobs' states.
type state struct {
	Secret, Token, Sig string
	Resources          map[string]json.RawMessage // SUB/GROUP-less: WORKSPACE/kind/name…
	Jobs               []*record
}

// record is a job.
type record struct {
	Workspace, Name, Status, Created string
	Parent                           string            `json:",omitempty"` // the sweep whose trial it is
	Properties                       map[string]string `json:",omitempty"` // what running it found
	Body                             json.RawMessage
}

func (s *Server) file() string { return filepath.Join(s.o.Dir, "state.json") }

func (s *Server) load() error {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return errs.Wrap(err, "make %s", s.o.Dir)
	}
	text, err := os.ReadFile(s.file())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.state = state{Secret: random(), Token: random(), Sig: random(), Resources: map[string]json.RawMessage{}}
		return s.save()
	case err != nil:
		return errs.Wrap(err, "read the state")
	}
	if err := json.Unmarshal(text, &s.state); err != nil {
		return errs.New(errs.Invalid, "%s is no state of azure-fake: %w; remove it to begin anew", s.file(), err)
	}
	s.state.Jobs = slices.DeleteFunc(s.state.Jobs, func(r *record) bool { return r.Parent != "" && !ended(r.Status) })
	for _, r := range s.state.Jobs {
		if !ended(r.Status) {
			r.Status = "Queued"
		}
	}
	return s.save()
}

// save writes the state; the caller holds the lock, or nobody else has s yet.
func (s *Server) save() error {
	text, err := json.Marshal(s.state)
	if err != nil {
		return errs.Wrap(err, "write the state")
	}
	f, err := os.CreateTemp(s.o.Dir, ".state-*")
	if err != nil {
		return errs.Wrap(err, "write the state")
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return errs.Wrap(err, "write the state")
	}
	return errs.Wrap(os.Rename(f.Name(), s.file()), "keep the state")
}

// put keeps a resource and reports whether it is new.
func (s *Server) put(key string, v any) (bool, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return false, errs.Wrap(err, "keep %s", key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.state.Resources[key]
	s.state.Resources[key] = text
	return !known, s.save()
}

// get reads a resource into v, and reports whether there is one.
func (s *Server) get(key string, v any) bool {
	s.mu.Lock()
	text, ok := s.state.Resources[key]
	s.mu.Unlock()
	return ok && json.Unmarshal(text, v) == nil
}

func ended(status string) bool {
	return status == "Completed" || status == "Failed" || status == "Canceled"
}

// job finds a job; the caller holds the lock.
func (s *Server) job(ws, name string) *record {
	for _, r := range s.state.Jobs {
		if r.Workspace == ws && r.Name == name {
			return r
		}
	}
	return nil
}

// failed answers with what Microsoft's fake made of an error.
func (s *Server) failed(w http.ResponseWriter, err error) {
	var known *azcore.ResponseError
	if errors.As(err, &known) {
		refuse(w, known.StatusCode, known.ErrorCode, known.ErrorCode)
		return
	}
	refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
}
