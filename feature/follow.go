package feature

import (
	"context"
	"errors"
	"io"

	"github.com/drivecast/drivecast/smart"
)

// Follow takes all days of src into the history and gives fn the vectors of each
// day between from and to, both counting; the zero Date stands for no bound. The
// rows are those of Day and are overwritten by the next day, and so may the day's
// readings be. It ends at the end of
// src with nil, or with the first error of src or fn.
func (f *Fold) Follow(ctx context.Context, src Stream, from, to smart.Date, fn func(day *smart.Day, rows *Rows) error) error {
	span := Options{From: from, Until: to}
	var rows Rows
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		wanted := span.within(day.Date)
		f.Day(day, src.Attributes(), &rows, func(*smart.Reading) bool { return wanted })
		if wanted {
			if err := fn(day, &rows); err != nil {
				return err
			}
		}
		recycle(src, day)
	}
}
