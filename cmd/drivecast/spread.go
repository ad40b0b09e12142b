package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/reduce"
	"github.com/drivecast/drivecast/internal/train"
)

// spread says over which processes a fit is spread.
type spread struct {
	processes, rank int
	coordinator     string
	token           string
}

func (s *spread) addTo(c *cobra.Command, getenv func(string) string) {
	f := c.Flags()
	f.IntVar(&s.processes, "processes", 1, "processes, on this machine or others, that train one boosted model together, each started with the same flags and data")
	f.IntVar(&s.rank, "rank", 0, "number of this process, from 0; number 0 keeps the model")
	f.StringVar(&s.coordinator, "coordinator", "", "HOST:PORT at which process 0 listens for the others ($DRIVECAST_FIT_TOKEN keeps strangers out)")
	s.token = getenv("DRIVECAST_FIT_TOKEN")
}

// join makes this process one of several when there are more. What it returns is
// called with the outcome of the fit, and returns it: it lets the others know of a
// failure, and process 0 waits there until all have had their last answer.
func (s *spread) join(ctx context.Context, spec *train.Spec) (leave func(error) error, err error) {
	switch {
	case s.processes < 1 || s.rank < 0 || s.rank >= s.processes:
		return nil, errs.New(errs.Usage, "--rank %d of --processes %d: ranks count from 0", s.rank, s.processes)
	case s.processes == 1 && s.coordinator != "":
		return nil, errs.New(errs.Usage, "--coordinator needs --processes: how many there are")
	case s.processes == 1:
		return func(err error) error { return err }, nil
	case s.coordinator == "":
		return nil, errs.New(errs.Usage, "--processes needs --coordinator: HOST:PORT at which process 0 listens")
	}
	client := reduce.NewClient("http://"+s.coordinator, s.rank, s.token, nil)
	spec.Peers = &train.Peers{Rank: s.rank, Processes: s.processes, Reducer: client}
	closing := func() error { return nil }
	if s.rank == 0 {
		if closing, err = s.serve(ctx); err != nil {
			return nil, err
		}
	}
	return func(outcome error) error {
		if outcome != nil {
			client.Abort(context.WithoutCancel(ctx), outcome)
		}
		if err := closing(); outcome == nil {
			return err
		}
		return outcome
	}, nil
}

// serve starts the coordinator.
func (s *spread) serve(ctx context.Context) (closing func() error, err error) {
	c, err := reduce.NewCoordinator(s.processes, s.token, 0)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.coordinator)
	if err != nil {
		return nil, errs.Wrap(err, "listen for the other processes")
	}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	go server.Serve(l)
	return func() error {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errs.Wrap(server.Shutdown(last), "let the other processes go")
	}, nil
}
