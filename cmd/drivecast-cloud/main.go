// Command drivecast-cloud runs the job, compute, schedule and doctor commands of
// drivecast against another place than this machine: --target azureml or kube.
// drivecast starts it with its own arguments, so that the cloud libraries weigh
// on nobody who does not use them; it can be started by hand, too.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker for a release.
var version = ""

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(newApp().run(ctx, os.Args[1:]))
}
