package replicate

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// pair is a model on both sides.
type pair struct {
	name     string
	from, to *client.RegisteredModel
	versions []client.Version          // of the source, oldest first
	there    map[string]client.Version // of the target, by number
}

// model replicates one model; there is nil when the target has none of that name.
func (r *Replicator) model(ctx context.Context, m, there *client.RegisteredModel) error {
	p := &pair{name: m.Name, from: m, to: there}
	if there == nil {
		tags := append(own(m.Tags), client.Tag{Key: fromTag, Value: r.from.URI()}, client.Tag{Key: seenTag, Value: seen(m.Description, "", own(m.Tags))})
		err := r.to.CreateModel(ctx, m.Name, m.Description, tags)
		if err != nil && !errs.Is(err, errs.Exists) {
			return err
		}
		r.report.Models++
		if p.to, err = r.to.GetModel(ctx, m.Name); err != nil {
			return err
		}
	} else if err := r.describe(ctx, p); err != nil {
		return err
	}
	var err error
	if p.versions, err = r.from.Versions(ctx, m.Name); err != nil {
		return err
	}
	slices.SortFunc(p.versions, func(a, b client.Version) int { return numbered(a.Version) - numbered(b.Version) })
	list, err := r.to.Versions(ctx, m.Name)
	if err != nil {
		return err
	}
	p.there = make(map[string]client.Version, len(list))
	for _, v := range list {
		p.there[v.Version] = v
	}
	if err := r.clear(ctx, p); err != nil {
		return err
	}
	for i := range p.versions {
		if _, ok := p.there[p.versions[i].Version]; !ok && p.versions[i].Status == "PENDING_REGISTRATION" {
			break // later ones would take its number away
		}
		if err := r.version(ctx, p, &p.versions[i]); err != nil {
			return errs.Wrap(err, "version %s", p.versions[i].Version)
		}
	}
	if err := r.raise(ctx, p); err != nil {
		return err
	}
	if r.o.Prune {
		if err := r.prune(ctx, p); err != nil {
			return err
		}
	}
	return r.aliases(ctx, p)
}

// clear removes versions that a replication that was broken off made under a number
// that is not theirs.
func (r *Replicator) clear(ctx context.Context, p *pair) error {
	for n, v := range p.there {
		if pending(v.Tags) && tag(v.Tags, pendingTag) != n {
			if err := r.to.DeleteVersion(ctx, p.name, n); err != nil && !errs.Is(err, errs.NotFound) {
				return err
			}
			delete(p.there, n)
		}
	}
	return nil
}

// describe sets the description and tags of a model when the source changed them.
func (r *Replicator) describe(ctx context.Context, p *pair) error {
	tags, last := own(p.from.Tags), tag(p.to.Tags, seenTag)
	now := seen(p.from.Description, "", tags)
	if now == last {
		return nil
	}
	if p.from.Description != p.to.Description && last != "" {
		if err := r.to.DescribeModel(ctx, p.name, p.from.Description); err != nil {
			return err
		}
	}
	for _, t := range tags {
		if tag(p.to.Tags, t.Key) == t.Value || last == "" {
			continue
		}
		if err := r.to.SetModelTag(ctx, p.name, t); err != nil {
			return err
		}
	}
	if r.o.Prune {
		for _, key := range gone(last, tags) {
			if err := r.to.DeleteModelTag(ctx, p.name, key); err != nil {
				return err
			}
			r.report.Deleted++
		}
	}
	r.report.Changed++
	return r.to.SetModelTag(ctx, p.name, client.Tag{Key: seenTag, Value: now})
}

// aliases moves the aliases of a model as far as the rules allow.
func (r *Replicator) aliases(ctx context.Context, p *pair) error {
	at := map[string]string{}
	for _, a := range p.to.Aliases {
		at[a.Alias] = a.Version
	}
	for _, a := range p.from.Aliases {
		put := tag(p.to.Tags, aliasTag+a.Alias)
		is, exists := at[a.Alias]
		moved := exists && is != put || !exists && put != ""
		switch v, ok := p.there[a.Version]; {
		case is == a.Version && put == a.Version:
			continue
		case is == a.Version: // the tag was not written yet, or both moved it alike
		case !ok || tag(v.Tags, ofTag) == "" || pending(v.Tags):
			r.kept(p.name, a.Alias, "version "+a.Version+" is not replicated")
			continue
		case moved && !r.o.TakeAliases:
			r.kept(p.name, a.Alias, "the target moved it to "+orNone(is)+"; replication had put it at "+orNone(put))
			continue
		default:
			if err := r.to.SetAlias(ctx, p.name, a.Alias, a.Version); err != nil {
				return err
			}
			r.report.Aliases++
		}
		if err := r.to.SetModelTag(ctx, p.name, client.Tag{Key: aliasTag + a.Alias, Value: a.Version}); err != nil {
			return err
		}
	}
	if r.o.Prune {
		return r.pruneAliases(ctx, p, at)
	}
	return nil
}

func orNone(version string) string {
	if version == "" {
		return "no version"
	}
	return "version " + version
}

func (r *Replicator) kept(name, alias, why string) {
	r.report.Kept = append(r.report.Kept, Note{Model: name, Alias: alias, Why: why})
}

// pruneAliases removes the aliases that the source has no longer, where replication put
// them.
func (r *Replicator) pruneAliases(ctx context.Context, p *pair, at map[string]string) error {
	for _, t := range p.to.Tags {
		alias, ok := strings.CutPrefix(t.Key, aliasTag)
		if !ok || slices.ContainsFunc(p.from.Aliases, func(a client.Alias) bool { return a.Alias == alias }) {
			continue
		}
		if is, exists := at[alias]; exists && is == t.Value {
			if err := r.to.DeleteAlias(ctx, p.name, alias); err != nil {
				return err
			}
			r.report.Deleted++
		}
		if err := r.to.DeleteModelTag(ctx, p.name, t.Key); err != nil {
			return err
		}
	}
	return nil
}

// brought reports whether replication from this source brought what has these tags.
func (r *Replicator) brought(tags []client.Tag) bool { return tag(tags, fromTag) == r.from.URI() }

// prune deletes the versions that replication brought and the source has no longer.
func (r *Replicator) prune(ctx context.Context, p *pair) error {
	for n, v := range p.there {
		if !r.brought(v.Tags) || slices.ContainsFunc(p.versions, func(s client.Version) bool { return s.Version == n }) {
			continue
		}
		if err := r.to.DeleteVersion(ctx, p.name, n); err != nil && !errs.Is(err, errs.NotFound) {
			return err
		}
		delete(p.there, n)
		p.to.Aliases = slices.DeleteFunc(p.to.Aliases, func(a client.Alias) bool { return a.Version == n })
		r.report.Deleted++
	}
	return nil
}

// pruneModels deletes the models that replication brought and the source has no longer,
// as far as nothing of the target's own is in them. A source without any model is taken
// for one that was not meant.
func (r *Replicator) pruneModels(ctx context.Context, source, target []client.RegisteredModel) error {
	for i := range target {
		m := &target[i]
		if !r.brought(m.Tags) || slices.ContainsFunc(source, named(m.Name)) {
			continue
		}
		if len(source) == 0 && len(r.o.Models) == 0 {
			return errs.New(errs.State, "%s has no model at all; nothing was deleted", r.from.URI())
		}
		versions, err := r.to.Versions(ctx, m.Name)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(versions, func(v client.Version) bool { return !r.brought(v.Tags) }) {
			r.conflict(m.Name, "", "the source deleted the model, and the target has versions of its own in it")
			continue
		}
		if err := r.to.DeleteModel(ctx, m.Name); err != nil {
			return err
		}
		r.report.Deleted += 1 + len(versions)
	}
	return nil
}

// raise keeps the highest number that the target gave, so that those that are deleted
// there later are known to have been given without asking for one more.
func (r *Replicator) raise(ctx context.Context, p *pair) error {
	high := strconv.Itoa(p.floor())
	if high == "0" || tag(p.to.Tags, floorTag) == high {
		return nil
	}
	p.to.Tags = append(without(p.to.Tags, floorTag), client.Tag{Key: floorTag, Value: high})
	return r.to.SetModelTag(ctx, p.name, client.Tag{Key: floorTag, Value: high})
}

// floor is the highest number that the target is known to have given.
func (p *pair) floor() int {
	high, err := strconv.Atoi(tag(p.to.Tags, floorTag))
	if err != nil {
		high = 0
	}
	for n := range p.there {
		high = max(high, numbered(n))
	}
	return high
}
