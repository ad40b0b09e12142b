// Command tracking measures tracking servers side by side with one client, and
// prints a table in Markdown:
//
//	go run ./bench/tracking -drivecast bin/drivecast -mlflow m241/bin/python,m317/bin/python
//
// Every server starts on an empty SQLite file with proxied artifacts. Times are
// medians at the client; memory is that of the whole process tree, some
// seconds after its start (-idle).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/drivecast/drivecast/bench/beside"
)

func main() {
	binary := flag.String("drivecast", "", "a drivecast binary")
	mlflow := flag.String("mlflow", "", "Python interpreters with mlflow, by commas")
	runs := flag.Int("runs", 1000, "runs of 100 metrics and 20 parameters to search in")
	size := flag.Int64("megabytes", 0, "size of the artifact to move; 0 leaves that out")
	parts := flag.String("parts", "writes,history,searches,artifacts", "what to measure besides the start, by commas")
	idle := flag.Duration("idle", 5*time.Second, "how long to wait before memory is read")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var targets []target
	if *binary != "" {
		targets = append(targets, drivecast(*binary))
	}
	for _, python := range strings.Split(*mlflow, ",") {
		if python != "" {
			targets = append(targets, mlflowServer(python))
		}
	}
	table := beside.New()
	for _, t := range targets {
		if err := measure(ctx, t, table, *runs, *size, *idle, strings.Split(*parts, ",")); err != nil {
			fmt.Fprintf(os.Stderr, "tracking: %s: %v\n", t.name, err)
			os.Exit(1)
		}
	}
	fmt.Print(table)
}
