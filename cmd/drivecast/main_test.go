package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: for scripts, and for tests that
// start it with DRIVECAST_TEST_MAIN set.
func TestMain(m *testing.M) {
	if os.Getenv("DRIVECAST_TEST_MAIN") != "" {
		if n, err := strconv.Atoi(os.Getenv("DRIVECAST_TEST_KEEP_EVERY")); err == nil {
			keepEvery = n
		}
		main()
		return
	}
	testscript.Main(m, map[string]func(){"drivecast": main})
}

// TestScripts runs the programs in testdata/script. A script has $ADDR1 to $ADDR3,
// free addresses of its own, and the commands waitfor URL and request METHOD URL
// BODY, which sets $ID to the first 32 hexadecimal digits of an answer that has them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for i := 1; i <= 3; i++ {
				host, port := freeAddress(t)
				e.Setenv(fmt.Sprintf("ADDR%d", i), net.JoinHostPort(host, port))
				e.Setenv(fmt.Sprintf("PORT%d", i), port)
			}
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.Getenv("TMPDIR"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
				if err := waitFor(args[0], 20*time.Second); err != nil {
					ts.Fatalf("%v", err)
				}
			},
			"request": func(ts *testscript.TestScript, _ bool, args []string) {
				id, err := request(args[0], args[1], args[2])
				if err != nil {
					ts.Fatalf("%v", err)
				}
				if id != "" {
					ts.Setenv("ID", id)
				}
			},
		},
	})
}

var hexID = regexp.MustCompile("[0-9a-f]{32}")

func request(method, url, body string) (id string, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(body, "{") {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s %s", method, url, resp.Status, text)
	}
	return hexID.FindString(string(text)), err
}

func freeAddress(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// waitFor asks until the URL answers 200.
func waitFor(url string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer in %s: %v", url, limit, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// dataDir is the folder of real drives, or the test is skipped.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drives to test with")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("DRIVE_DATA names no folder: %v", err)
	}
	return dir
}
