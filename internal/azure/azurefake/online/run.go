package online

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// Run does the long actions and keeps the instances up until ctx ends; then it stops
// them.
func (s *Service) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	defer s.stopAll()
	s.restore(ctx, &all)
	for {
		for _, do := range s.due() {
			all.Add(1)
			go func() {
				defer all.Done()
				do(ctx)
				s.poke()
			}()
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
	}
}

// restore starts the instances that served when the service was last left.
func (s *Service) restore(ctx context.Context, all *sync.WaitGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		for _, d := range e.Deployments {
			if d.State == succeeded {
				s.at[d] = true
				all.Go(func() {
					s.provision(ctx, e, d, d.Moment)
					s.done(d)
					s.poke()
				})
			}
		}
	}
}

func (s *Service) done(d *deployment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, d)
}

// due lists the actions that nobody has begun.
func (s *Service) due() []func(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []func(context.Context)
	for _, e := range s.endpoints {
		for _, d := range e.Deployments {
			if !busy(d.State) || s.at[d] {
				continue
			}
			s.at[d] = true
			if moment := d.Moment; d.State == deleting {
				out = append(out, func(ctx context.Context) { s.remove(ctx, e, d); s.done(d) })
			} else {
				out = append(out, func(ctx context.Context) {
					if s.pause(ctx) {
						s.provision(ctx, e, d, moment)
					}
					s.done(d)
				})
			}
		}
		switch {
		case e.State == deleting && len(e.Deployments) == 0, e.State == creating, e.State == updating:
			out = append(out, func(ctx context.Context) { s.settled(ctx, e) })
		}
	}
	return out
}

// settled ends the action of an endpoint.
func (s *Service) settled(ctx context.Context, e *endpoint) {
	if !s.pause(ctx) {
		return
	}
	s.change(func() {
		switch e.State {
		case deleting:
			delete(s.endpoints, e.key())
		case creating, updating:
			e.State = succeeded
		}
	})
}

// remove stops a deployment's instance and forgets it.
func (s *Service) remove(ctx context.Context, e *endpoint, d *deployment) {
	if !s.pause(ctx) {
		return
	}
	key := e.key() + "/" + d.Name
	s.mu.Lock()
	old := s.instances[key]
	delete(s.instances, key)
	s.mu.Unlock()
	if old != nil {
		old.stop()
	}
	if err := os.RemoveAll(s.dir(e, d.Name)); err != nil {
		s.o.Log.Warn("remove a deployment's files", "error", err)
	}
	s.change(func() { delete(e.Deployments, d.Name) })
}

func (s *Service) stopAll() {
	s.mu.Lock()
	all := s.instances
	s.instances = map[string]*instance{}
	s.mu.Unlock()
	for _, i := range all {
		i.stop()
	}
}

// dir is where a deployment's model and logs are.
func (s *Service) dir(e *endpoint, name string) string {
	return filepath.Join(s.o.Dir, "online", e.Workspace, e.Name, name)
}

// failure is why a deployment turns Failed.
type failure struct{ code, text string }

func (f *failure) Error() string { return f.code + ": " + f.text }

func fail(code, text string, args ...any) error { return &failure{code, fmt.Sprintf(text, args...)} }

// provision starts the instance of a deployment and waits until it is ready. An older
// instance serves until then, and goes on when the new one fails.
func (s *Service) provision(ctx context.Context, e *endpoint, d *deployment, moment int) {
	s.mu.Lock()
	key, body := e.key()+"/"+d.Name, d.Body
	s.mu.Unlock()
	fresh, err := s.start(ctx, e, d, specOf(body))
	if ctx.Err() != nil {
		if fresh != nil {
			fresh.stop()
		}
		return
	}
	var old *instance
	s.change(func() {
		if d.Moment != moment || d.State == deleting {
			old = fresh
			return
		}
		if err != nil {
			var why *failure
			if d.State, d.Code, d.Fault = broken, "InternalServerError", err.Error(); errors.As(err, &why) {
				d.Code, d.Fault = why.code, why.text
			}
			s.o.Log.Warn("deployment failed", "endpoint", e.Name, "deployment", d.Name, "error", err)
			return
		}
		d.State, d.Code, d.Fault = succeeded, "", ""
		old, s.instances[key] = s.instances[key], fresh
	})
	if old != nil {
		old.stop()
	}
}
