package tracking

import (
	"fmt"
	"math/rand/v2"
)

var adjectives = []string{
	"able", "agile", "amber", "bold", "brave", "bright", "brisk", "calm", "candid", "clever", "copper", "crisp", "daring", "deep",
	"eager", "early", "fair", "fast", "fleet", "fond", "frank", "gentle", "glad", "golden", "grand", "hardy", "honest", "humble",
	"ideal", "keen", "kind", "lively", "loyal", "lucid", "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble", "patient",
	"placid", "polite", "proud", "quick", "quiet", "rapid", "rare", "ready", "robust", "rugged", "serene", "sharp", "silent", "silver",
	"smooth", "solid", "steady", "stout", "sunny", "swift", "tidy", "tough", "upbeat", "valiant", "vivid", "warm", "wise", "witty",
}

var nouns = []string{
	"actuator", "arm", "badger", "beacon", "bearing", "birch", "bison", "breeze", "brook", "canyon", "cedar", "cluster", "comet", "crane",
	"cylinder", "dolphin", "eagle", "ember", "falcon", "fern", "finch", "fjord", "fox", "gale", "glacier", "grove", "harbor", "hare",
	"heron", "island", "jaguar", "kestrel", "lagoon", "lark", "lemur", "lynx", "magnet", "maple", "marten", "meadow", "mesa", "moose",
	"osprey", "otter", "owl", "panda", "pine", "platter", "plover", "puma", "quail", "raven", "reef", "ridge", "river", "robin",
	"sector", "sparrow", "spindle", "spruce", "stork", "summit", "swan", "tapir", "tern", "track", "trout", "walrus", "willow", "wren",
}

// RandomName makes a name for a run that was given none: adjective, noun and
// number.
func RandomName(r *rand.Rand) string {
	return fmt.Sprintf("%s-%s-%d", adjectives[r.IntN(len(adjectives))], nouns[r.IntN(len(nouns))], r.IntN(1000))
}
