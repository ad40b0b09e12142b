package main

import (
	"context"
	"crypto/rand"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// upUser owns what `drivecast up` records on a server with users. Nobody knows
// its password: it shows a token that lives as long as the command.
const upUser = "drivecast-up"

// signIn makes that token, which this process and its jobs show from then on, and
// returns what revokes it. Without users it does nothing.
func (l *loop) signIn(ctx context.Context) (signOut func(), err error) {
	if !l.o.server.auth.on {
		return func() {}, nil
	}
	var text, id string
	err = l.withUsers(ctx, l.backend(), "token create", "username="+upUser+" name=drivecast up", func(s *auth.Service) error {
		if _, err := s.Store().User(ctx, upUser); errs.Is(err, errs.NotFound) {
			if _, err := s.CreateUser(ctx, upUser, rand.Text(), true); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		made, token, err := s.NewToken(ctx, upUser, "drivecast up", auth.FullScope(), auth.MaxTokenLife)
		text, id = made, token.ID
		return err
	})
	if err != nil {
		return nil, errs.Wrap(err, "sign in to our own server")
	}
	signed, getenv := *l.app, l.getenv
	signed.getenv = func(name string) string {
		switch name {
		case tokenVariable:
			return text
		case "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD":
			return ""
		}
		return getenv(name)
	}
	l.app, l.jobEnv = &signed, []string{tokenVariable + "=" + text, "MLFLOW_TRACKING_USERNAME=", "MLFLOW_TRACKING_PASSWORD="}
	return func() {
		ctx := context.WithoutCancel(ctx)
		err := l.withUsers(ctx, l.backend(), "token revoke", "token_id="+id, func(s *auth.Service) error { return s.Store().DeleteToken(ctx, id) })
		if err != nil {
			l.logger.Error("revoke the token of drivecast up", "err", err)
		}
	}, nil
}

// tokenVariable is where MLflow's clients, and ours, look for a token.
const tokenVariable = "MLFLOW_TRACKING_TOKEN"

// backend is the URI of the records.
func (l *loop) backend() string {
	return "sqlite:///" + filepath.ToSlash(filepath.Join(l.o.dir, storeFile))
}
