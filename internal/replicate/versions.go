package replicate

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// maxGap is how many numbers, given and deleted at the source, are given and deleted
// at the target to get to the next version.
const maxGap = 10000

// version replicates one version. What stands against it is noted; an error ends the
// pass.
func (r *Replicator) version(ctx context.Context, p *pair, v *client.Version) error {
	if v.Status != "" && v.Status != "READY" {
		return nil // a later pass finds it
	}
	there, ok := p.there[v.Version]
	var err error
	switch of := tag(there.Tags, ofTag); {
	case ok && of == identity(v) && pending(there.Tags):
		r.report.Versions++
		err = r.finish(ctx, p, v, &there)
	case ok && of == identity(v):
		err = r.known(ctx, p, v, &there)
	case ok:
		err = r.judge(ctx, p, v, &there)
	case numbered(v.Version) <= p.floor():
		r.conflict(p.name, v.Version, "the target deleted this number, or gave it to another version that it deleted")
	default:
		err = r.make(ctx, p, v)
	}
	if !aboutOne(err) {
		return err
	}
	r.o.Logger.Warn("a version was not replicated", "model", p.name, "version", v.Version, "err", err)
	r.conflict(p.name, v.Version, err.Error())
	return nil
}

// aboutOne reports whether an error is about one version, so that others may fare
// better.
func aboutOne(err error) bool {
	switch errs.KindOf(err) {
	case errs.NotFound, errs.Unsupported, errs.Invalid, errs.TooLarge, errs.State, errs.Exists:
		return err != nil
	}
	return false
}

// make brings a version that the target lacks: first its files, then itself.
func (r *Replicator) make(ctx context.Context, p *pair, v *client.Version) error {
	files, err := r.fetch(ctx, p.name, v)
	if err != nil {
		return err
	}
	defer files.remove()
	run, err := r.run(ctx, p.name, v)
	if err != nil {
		return err
	}
	uri := strings.TrimSuffix(run.ArtifactURI, "/") + "/replicated/" + digest(p.name, v.Version, identity(v))[:16]
	if !r.to.Proxied(uri) {
		return errs.New(errs.Unsupported, "the target keeps files at %s, which only its own machine reaches; let it serve them itself (mlflow-artifacts:)", uri)
	}
	if err := r.send(ctx, files, uri); err != nil {
		return err
	}
	made, err := r.create(ctx, p, v, client.NewVersion{Name: p.name, Source: uri, RunID: run.ID, Description: v.Description,
		Tags: append(own(v.Tags), client.Tag{Key: ofTag, Value: identity(v)}, client.Tag{Key: shaTag, Value: files.hash},
			client.Tag{Key: fromTag, Value: r.from.URI()}, client.Tag{Key: pendingTag, Value: v.Version})})
	if err != nil {
		return err
	}
	r.report.Versions++
	return r.finish(ctx, p, v, made)
}

// create makes a version under the source's number. Numbers are given by the target in
// turn, so those that the source deleted are given and deleted here, too.
func (r *Replicator) create(ctx context.Context, p *pair, v *client.Version, n client.NewVersion) (*client.Version, error) {
	want := numbered(v.Version)
	if gap := want - p.floor(); gap > maxGap {
		return nil, errs.New(errs.TooLarge, "the target is %d numbers behind; %d is the most", gap, maxGap)
	}
	for {
		made, err := r.to.CreateVersion(ctx, n)
		if err != nil {
			return nil, err
		}
		if made.Version == v.Version {
			made.Tags = n.Tags
			return made, nil
		}
		if err := r.to.DeleteVersion(ctx, p.name, made.Version); err != nil {
			return nil, err
		}
		if got := numbered(made.Version); got > want || got < 0 {
			err := r.to.SetModelTag(ctx, p.name, client.Tag{Key: floorTag, Value: made.Version})
			p.to.Tags = append(without(p.to.Tags, floorTag), client.Tag{Key: floorTag, Value: made.Version})
			if err == nil {
				err = errs.New(errs.State, "the target has given this number before; its next is %d", got+1)
			}
			return nil, err
		}
	}
}

// finish sets what a new version could not be made with, and lifts its mark.
func (r *Replicator) finish(ctx context.Context, p *pair, v, there *client.Version) error {
	if v.Stage != "" && v.Stage != there.Stage {
		if err := r.to.StageVersion(ctx, p.name, v.Version, v.Stage); err != nil {
			return err
		}
	}
	if err := r.mark(ctx, p, v, there, seenTag, seen(v.Description, v.Stage, own(v.Tags))); err != nil {
		return err
	}
	if err := r.mark(ctx, p, v, there, pendingTag, finished); err != nil {
		return err
	}
	p.there[v.Version] = *there
	r.o.Logger.Info("replicated", "model", p.name, "version", v.Version)
	return nil
}

func without(tags []client.Tag, key string) []client.Tag {
	out := make([]client.Tag, 0, len(tags))
	for _, t := range tags {
		if t.Key != key {
			out = append(out, t)
		}
	}
	return out
}

func (r *Replicator) mark(ctx context.Context, p *pair, v, there *client.Version, key, value string) error {
	err := r.to.SetVersionTag(ctx, p.name, v.Version, client.Tag{Key: key, Value: value})
	there.Tags = append(without(there.Tags, key), client.Tag{Key: key, Value: value})
	return err
}

// judge decides about a number that the target gave to a version of other descent: the
// same files are the same version, others are a conflict.
func (r *Replicator) judge(ctx context.Context, p *pair, v, there *client.Version) error {
	key := strings.Join([]string{p.name, v.Version, identity(v), strconv.FormatInt(int64(there.Created), 10), there.Source}, "\n")
	if why, ok := r.judged[key]; ok {
		r.conflict(p.name, v.Version, why)
		return nil
	}
	here, err := r.hash(ctx, r.from, p.name, v.Version)
	if err != nil {
		return err
	}
	other, err := r.hash(ctx, r.to, p.name, v.Version)
	if err != nil {
		return err
	}
	if here != other {
		r.judged[key] = fmt.Sprintf("the target has other files under this number (SHA-256 %.12s there, %.12s at the source)", other, here)
		r.conflict(p.name, v.Version, r.judged[key])
		return nil
	}
	for _, t := range []client.Tag{{Key: shaTag, Value: here}, {Key: seenTag, Value: seen(v.Description, v.Stage, own(v.Tags))}, {Key: ofTag, Value: identity(v)}} {
		if err := r.mark(ctx, p, v, there, t.Key, t.Value); err != nil {
			return err
		}
	}
	p.there[v.Version] = *there
	r.report.Adopted++
	return nil
}

// known brings what the source changed of a version that is there.
func (r *Replicator) known(ctx context.Context, p *pair, v, there *client.Version) error {
	r.report.Known++
	if r.o.Verify {
		if err := r.verify(ctx, p, v, there); err != nil {
			return err
		}
	}
	tags, last := own(v.Tags), tag(there.Tags, seenTag)
	now := seen(v.Description, v.Stage, tags)
	if now == last {
		return nil
	}
	if v.Description != there.Description {
		if err := r.to.DescribeVersion(ctx, p.name, v.Version, v.Description); err != nil {
			return err
		}
	}
	if v.Stage != "" && v.Stage != there.Stage {
		if err := r.to.StageVersion(ctx, p.name, v.Version, v.Stage); err != nil {
			return err
		}
	}
	for _, t := range tags {
		if has(there.Tags, t) {
			continue
		}
		if err := r.to.SetVersionTag(ctx, p.name, v.Version, t); err != nil {
			return err
		}
	}
	if r.o.Prune {
		for _, key := range gone(last, tags) {
			if err := r.to.DeleteVersionTag(ctx, p.name, v.Version, key); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			r.report.Deleted++
		}
	}
	r.report.Changed++
	return r.mark(ctx, p, v, there, seenTag, now)
}

func has(tags []client.Tag, t client.Tag) bool {
	for _, x := range tags {
		if x == t {
			return true
		}
	}
	return false
}

// verify reads the files of both sides again, and sends those once more that are not
// at the target what they were.
func (r *Replicator) verify(ctx context.Context, p *pair, v, there *client.Version) error {
	was := tag(there.Tags, shaTag)
	here, err := r.hash(ctx, r.from, p.name, v.Version)
	if err != nil {
		return err
	}
	if here != was {
		return errs.New(errs.State, "its files changed at the source after they were replicated (SHA-256 %.12s now, %.12s then)", here, was)
	}
	other, err := r.hash(ctx, r.to, p.name, v.Version)
	if err == nil && other == was {
		return nil
	}
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	if !r.brought(there.Tags) {
		return errs.New(errs.State, "its files changed at the target, which did not get them from here")
	}
	files, err := r.fetch(ctx, p.name, v)
	if err != nil {
		return err
	}
	defer files.remove()
	uri, err := r.to.DownloadURI(ctx, p.name, v.Version)
	if err != nil {
		return err
	}
	if err := r.send(ctx, files, uri); err != nil {
		return err
	}
	r.report.Mended++
	return nil
}
