package auth

import "context"

// Deed is what is told about a request while it is served, for the log.
type Deed struct {
	From   string // address of the client
	Target string // what it is about
	Quiet  bool   // too frequent to be logged, unless it is refused
	Always bool   // logged although it only reads
}

type deedKey struct{}

// WithDeed returns a context in which d can be filled in.
func WithDeed(ctx context.Context, d *Deed) context.Context {
	return context.WithValue(ctx, deedKey{}, d)
}

// DeedOf returns the deed of a context; without one, a deed that nobody reads.
func DeedOf(ctx context.Context) *Deed {
	if d, ok := ctx.Value(deedKey{}).(*Deed); ok {
		return d
	}
	return &Deed{}
}
