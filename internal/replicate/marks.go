package replicate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// The tags by which the target knows what was replicated. None of them is copied from
// the source, which may be a target itself.
const (
	prefix = "drivecast.replica."

	ofTag      = prefix + "of"      // of versions: which version of the source it is
	shaTag     = prefix + "sha256"  // of versions: the hash of its files, see treeHash
	fromTag    = prefix + "from"    // of models and versions that were brought: the source
	seenTag    = prefix + "seen"    // of models and versions: what was set last
	pendingTag = prefix + "pending" // of versions: the number that it should have; then finished
	aliasTag   = prefix + "alias."  // of models: the version that the alias was put at
	floorTag   = prefix + "floor"   // of models: the highest number known to be given
	runTag     = prefix + "run"     // of runs: which run of the source it is
	doneTag    = prefix + "done"    // of runs: all of it is there
)

// finished is what a mark as pending becomes: to remove a tag takes more rights than to
// set one.
const finished = "done"

func pending(tags []client.Tag) bool {
	mark := tag(tags, pendingTag)
	return mark != "" && mark != finished
}

// maxSeen is how long a seen tag may be: servers take 5000 characters at least.
const maxSeen = 4500

func tag(tags []client.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// own returns the tags that are not marks of ours, by key.
func own(tags []client.Tag) []client.Tag {
	out := slices.DeleteFunc(slices.Clone(tags), func(t client.Tag) bool { return strings.HasPrefix(t.Key, prefix) })
	slices.SortFunc(out, func(a, b client.Tag) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// identity tells a version of the source from every other that had its name and
// number: a model that was deleted and made anew begins at 1 again.
func identity(v *client.Version) string {
	return fmt.Sprintf("%d-%s", v.Created, digest(v.RunID, v.Source, v.ModelID)[:16])
}

// digest is the SHA-256 of texts, in hexadecimal.
func digest(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// seen describes what the source says about a model or version: a digest of it and the
// keys of its tags, from which deletions of tags can be told later.
func seen(description, stage string, tags []client.Tag) string {
	texts, keys := []string{description, stage}, []string{}
	for _, t := range tags {
		texts = append(texts, t.Key, t.Value)
		keys = append(keys, url.QueryEscape(t.Key))
	}
	text := digest(texts...)[:32] + " " + strings.Join(keys, "&")
	if len(text) > maxSeen { // deletions of the tags that are cut off are not followed
		text = text[:max(33, strings.LastIndexByte(text[:maxSeen], '&'))]
	}
	return text
}

// gone returns the keys of tags that a seen text names and tags lacks.
func gone(seen string, tags []client.Tag) []string {
	_, list, _ := strings.Cut(seen, " ")
	var out []string
	for k := range strings.SplitSeq(list, "&") {
		key, err := url.QueryUnescape(k)
		if err == nil && key != "" && !slices.ContainsFunc(tags, func(t client.Tag) bool { return t.Key == key }) {
			out = append(out, key)
		}
	}
	return out
}
