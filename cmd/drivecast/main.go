// Command drivecast predicts hard-drive failures and runs the whole loop around
// the prediction: data, training, tracking, registry, jobs and serving.
//
// `drivecast up` runs everything once; each of its steps is a command too.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(newApp().run(ctx, os.Args[1:]))
}
