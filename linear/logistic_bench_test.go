package linear_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/linear"
)

func BenchmarkFitLogistic(b *testing.B) {
	for _, shape := range []struct{ rows, cols, classes int }{{7168, 3, 2}, {100000, 20, 2}, {1000000, 20, 2}, {100000, 20, 4}} {
		x, y := noisy(9, shape.rows, shape.cols, shape.classes)
		b.Run(strconv.Itoa(shape.rows)+"x"+strconv.Itoa(shape.cols)+"x"+strconv.Itoa(shape.classes), func(b *testing.B) {
			b.SetBytes(int64(8 * len(x.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := linear.FitLogistic(context.Background(), x, y, nil, linear.Defaults()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
