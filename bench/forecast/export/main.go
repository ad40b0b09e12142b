// Command export writes the vectors and labels that the default recipe learns
// from as CSV, so that other libraries can be given the same ones.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: export FOLDER OUT.csv")
		os.Exit(2)
	}
	if err := export(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func export(ctx context.Context, data, path string) error {
	source, err := smart.Open(ctx, data, smart.Options{})
	if err != nil {
		return err
	}
	filled, err := source.Filled(ctx)
	source.Close()
	if err != nil {
		return err
	}
	spec := feature.NewSpec(filled)
	spec.Memory = 7
	set, err := feature.BuildPath(ctx, data, smart.Options{Attributes: filled}, feature.Options{Spec: spec, Horizon: 7})
	if err != nil {
		return err
	}
	return table.WriteFile(path, func(w io.Writer) error { return write(w, set) })
}

func write(w io.Writer, set *feature.Set) error {
	out := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprint(out, "date,serial_number,label,lead")
	for _, n := range set.X.Names {
		fmt.Fprint(out, ",", n)
	}
	line := []byte("\n")
	out.Write(line)
	for i := range set.Y {
		line = append(line[:0], set.Day[i].String()...)
		line = table.AppendText(append(line, ','), set.Serial[i])
		line = strconv.AppendInt(append(line, ','), int64(set.Y[i]), 10)
		line = strconv.AppendInt(append(line, ','), int64(set.Lead[i]), 10)
		for c := range set.X.Cols {
			line = table.AppendNumber(append(line, ','), set.X.At(i, c))
		}
		out.Write(append(line, '\n'))
	}
	return out.Flush()
}
