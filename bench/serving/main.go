// Command serving measures scoring servers side by side with one client, and prints
// a table in Markdown:
//
//	go run ./bench/serving -drivecast bin/drivecast -score bin/drivecast-score -model models/v2 -mlflow m241/bin/python,m317/bin/python
//
// Every environment of MLflow makes its own forest from bench/serving/forest.py
// (pickles do not open elsewhere) and serves it with `mlflow models serve`; our
// programs serve -model. MLServer serves the same forest from a joblib file, in the Open
// Inference Protocol. "empty handler" is net/http that reads the body and answers
// a constant: what the load generator and the machine allow.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/drivecast/drivecast/bench/beside"
)

// options say how much is measured.
type options struct {
	model, seed string
	mlserver    string
	load, soak  time.Duration
	rate        int
}

func main() {
	var o options
	binary := flag.String("drivecast", "", "a drivecast binary")
	score := flag.String("score", "", "a drivecast-score binary")
	mlflow := flag.String("mlflow", "", "Python interpreters with mlflow and scikit-learn, by commas")
	flag.StringVar(&o.mlserver, "mlserver", "", "Python interpreter with bench/serving/requirements-mlserver.txt")
	flag.StringVar(&o.model, "model", "", "MLflow folder of a forest with the columns capacity_bytes, lifetime, model_encoded")
	flag.StringVar(&o.seed, "table", "", "CSV that the environments of MLflow make their forests from")
	flag.DurationVar(&o.load, "load", 5*time.Second, "how long each load lasts")
	flag.DurationVar(&o.soak, "soak", 0, "how long our server is asked at -rate at the end; every answer is looked at")
	flag.IntVar(&o.rate, "rate", 5000, "requests a second of the steady load")
	empty := flag.String("empty", "", "be the empty handler at this address")
	flag.Parse()
	if *empty != "" {
		fmt.Fprintln(os.Stderr, http.ListenAndServe(*empty, http.HandlerFunc(constant)))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *binary, *score, *mlflow); err != nil {
		fmt.Fprintln(os.Stderr, "serving:", err)
		os.Exit(1)
	}
}

func constant(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"predictions": [0]}`)
}

func run(ctx context.Context, o options, binary, score, mlflow string) error {
	table := beside.New()
	var targets []target
	if binary != "" {
		targets = append(targets, own("drivecast serve", binary, "serve", "-m", o.model))
	}
	if score != "" {
		targets = append(targets, own("drivecast-score", score, "-m", o.model))
	}
	targets = append(targets, emptyHandler())
	for _, python := range strings.Split(mlflow, ",") {
		if python == "" {
			continue
		}
		t, err := mlflowServe(ctx, python, o.seed)
		if err != nil {
			return err
		}
		defer os.RemoveAll(t.made)
		targets = append(targets, t)
	}
	if o.mlserver != "" {
		t, err := mlserverStart(ctx, o.mlserver, o.seed)
		if err != nil {
			return err
		}
		defer os.RemoveAll(t.made)
		targets = append(targets, t)
	}
	for _, t := range targets {
		if err := measure(ctx, t, table, o); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	fmt.Print(table)
	return nil
}
