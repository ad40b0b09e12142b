package dataver

import "context"

// CloudStatus tells what a remote and the cache lack of the recorded objects.
func (r *Repo) CloudStatus(ctx context.Context, targets []string, name string) ([]Change, error) {
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	outs, err := r.pick(t, targets)
	if err != nil {
		return nil, err
	}
	changes := []Change{}
	for remoteName, outs := range groups(outs, name) {
		at, err := r.remote(remoteName)
		if err != nil {
			return nil, err
		}
		for _, o := range outs {
			more, err := r.compareRemote(ctx, at, o)
			if err != nil {
				return nil, err
			}
			changes = append(changes, more...)
		}
	}
	return changes, r.cache.save()
}

func (r *Repo) compareRemote(ctx context.Context, at remote, o *Output) ([]Change, error) {
	want := wanted{o.OID: o.Path}
	here := 0
	entries, err := r.listAnywhere(ctx, o.OID, at)
	if err != nil {
		entries = nil // nobody has the list: then it alone is told
	}
	for _, e := range entries {
		want[e.OID] = e.Path
	}
	has, err := contains(ctx, at, want)
	if err != nil {
		return nil, err
	}
	for oid := range want {
		if r.cache.check(oid) != nil {
			here++
		}
	}
	var out []Change
	if n := len(want) - len(has); n > 0 {
		out = append(out, Change{File: o.File, Stage: o.Stage, Path: o.Path, Kind: "not in remote", Objects: n})
	}
	if here > 0 {
		out = append(out, Change{File: o.File, Stage: o.Stage, Path: o.Path, Kind: "not here", Objects: here})
	}
	return out, nil
}
