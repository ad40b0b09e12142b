package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// withUsers opens the store of users and runs f on it. What f changes is in the
// audit log.
func (a *app) withUsers(ctx context.Context, backend, action, target string, f func(*auth.Service) error) error {
	if err := makeParent(backend); err != nil {
		return err
	}
	db, err := sqlstore.Open(ctx, backend, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	s := auth.New(db.Auth(), auth.DefaultLevel, a.now)
	if err := f(s); err != nil || action == "" {
		return err
	}
	return db.Auth().Record(ctx, []auth.Event{{
		Time: a.now().UnixMilli(), User: a.getenv("USER"), Via: "command line", From: "this machine", Action: action, Target: target, Status: 200,
	}})
}

// backendFlag adds the flag that says where users are kept.
func backendFlag(c *cobra.Command) *string {
	return c.PersistentFlags().String("backend-store-uri", defaultBackend(), "where the server keeps its records")
}

func (a *app) userCommand() *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "Add, list and remove users of the server", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	backend := backendFlag(c)
	var admin bool
	var file string
	password := func(c *cobra.Command) {
		c.Flags().StringVar(&file, "password-file", "", "file that holds the password, - for stdin (default: $DRIVECAST_PASSWORD, or asked for on a terminal)")
	}
	add := &cobra.Command{Use: "add NAME", Short: "Add a user", Args: cli.ExactArgs("NAME"), RunE: func(c *cobra.Command, args []string) error {
		secret, err := a.readPassword(file)
		if err != nil {
			return err
		}
		return a.withUsers(c.Context(), *backend, "user add", "username="+args[0]+fmt.Sprintf(" is_admin=%t", admin), func(s *auth.Service) error {
			_, err := s.CreateUser(c.Context(), args[0], secret, admin)
			return err
		})
	}}
	add.Flags().BoolVar(&admin, "admin", false, "who may do everything")
	password(add)
	passwd := &cobra.Command{Use: "passwd NAME", Short: "Give a user another password", Args: cli.ExactArgs("NAME"), RunE: func(c *cobra.Command, args []string) error {
		secret, err := a.readPassword(file)
		if err != nil {
			return err
		}
		return a.withUsers(c.Context(), *backend, "user passwd", "username="+args[0], func(s *auth.Service) error {
			return s.SetPassword(c.Context(), args[0], secret)
		})
	}}
	password(passwd)
	remove := &cobra.Command{Use: "remove NAME", Short: "Remove a user with their tokens and permissions", Args: cli.ExactArgs("NAME"), RunE: func(c *cobra.Command, args []string) error {
		return a.withUsers(c.Context(), *backend, "user remove", "username="+args[0], func(s *auth.Service) error {
			return s.DeleteUser(c.Context(), args[0])
		})
	}}
	var form output
	list := &cobra.Command{Use: "list", Short: "List users", Args: cli.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return a.withUsers(c.Context(), *backend, "", "", func(s *auth.Service) error { return a.listUsers(c.Context(), s, form) })
	}}
	form.addTo(list)
	c.AddCommand(add, passwd, remove, list)
	return c
}

// maxPasswordFile bounds what is read as a password.
const maxPasswordFile = 4096

// readPassword takes a password from a file, stdin, the environment or a
// terminal, and never from the command line, which other users of the machine see.
func (a *app) readPassword(file string) (string, error) {
	switch {
	case file == "-":
		line, err := bufio.NewReader(io.LimitReader(a.stdin, maxPasswordFile)).ReadString('\n')
		if err != nil && line == "" {
			return "", errs.New(errs.Usage, "there is no password on stdin")
		}
		return strings.TrimRight(line, "\r\n"), nil
	case file != "":
		text, err := os.ReadFile(file)
		return strings.TrimRight(string(text), "\r\n"), errs.Wrap(err, "read the password")
	case a.getenv("DRIVECAST_PASSWORD") != "":
		return a.getenv("DRIVECAST_PASSWORD"), nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errs.New(errs.Usage, "there is no password; give --password-file, or set DRIVECAST_PASSWORD")
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(a.stderr, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(a.stderr)
		if err != nil {
			return "", errs.Wrap(err, "read the password")
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errs.New(errs.Usage, "the two passwords differ; nothing was changed")
	}
	return typed[0], nil
}

func (a *app) listUsers(ctx context.Context, s *auth.Service, form output) error {
	list, err := s.Store().Users(ctx)
	if err != nil {
		return err
	}
	if form == "json" {
		out := []map[string]any{}
		for _, u := range list {
			out = append(out, map[string]any{"id": u.ID, "username": u.Name, "is_admin": u.Admin, "issuer": u.Issuer, "created": u.Created})
		}
		return a.printJSON(out)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tADMIN\tLOGS IN WITH\tCREATED")
	for _, u := range list {
		with := "password"
		if u.Issuer != "" {
			with = u.Issuer
		}
		fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", u.Name, u.Admin, with, utc(u.Created))
	}
	return w.Flush()
}

// utc prints milliseconds since 1970 as UTC; 0 is "never".
func utc(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05")
}
