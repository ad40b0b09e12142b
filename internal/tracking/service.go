package tracking

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	mathrand "math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Service applies the rules and keeps the record in a Store. It is safe for
// concurrent use.
type Service struct {
	store Store
	root  string // artifact location of experiments that name none
	now   func() time.Time

	owners owners
	feed   Feed

	mu    sync.Mutex
	names *mathrand.Rand
}

// New returns a service on store. root is the URI below which experiments keep
// their files when their maker names no location. Names of runs are drawn from
// seed.
func New(store Store, root string, now func() time.Time, seed uint64) *Service {
	return &Service{store: store, root: strings.TrimRight(root, "/"), now: now, names: mathrand.New(mathrand.NewPCG(seed, 1))}
}

// Prepare makes the store ready; it is called once, before anything else.
func (s *Service) Prepare(ctx context.Context) error { return s.store.Prepare(ctx, s.root) }

// Seed returns an unpredictable seed for New.
func Seed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (s *Service) millis() int64 { return s.now().UnixMilli() }

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// CreateExperiment makes an experiment and returns its id. location may be "".
func (s *Service) CreateExperiment(ctx context.Context, name, location string, tags []Tag) (string, error) {
	if err := checkExperimentName(name); err != nil {
		return "", err
	}
	if err := CheckLocation("artifact_location", location); err != nil {
		return "", err
	}
	if isLocal(location) && !isLocal(s.root) {
		return "", errs.New(errs.Invalid, "Invalid value '%s' for 'artifact_location': this server keeps artifacts itself and opens no local folders for experiments", clip(location))
	}
	for _, t := range tags {
		if err := checkExperimentTag(t); err != nil {
			return "", err
		}
	}
	now := s.millis()
	e := Experiment{Name: name, ArtifactLocation: strings.TrimRight(location, "/"), Stage: Active, Created: now, Updated: now, Tags: tags}
	return s.store.CreateExperiment(ctx, e, s.root)
}

// isLocal reports whether a URI names a place on the machine that opens it.
func isLocal(uri string) bool {
	u, err := url.Parse(uri)
	return uri != "" && (err != nil || u.Scheme == "" || u.Scheme == "file" || len(u.Scheme) == 1)
}

func checkExperimentName(name string) error {
	if name == "" || strings.ContainsRune(name, 0) {
		return errs.New(errs.Invalid, "Invalid experiment name: '%s'", clip(name))
	}
	return checkLength("Experiment name", name, MaxExperimentName)
}

func checkExperimentTag(t Tag) error {
	if err := checkKey("Tag", "key", t.Key); err != nil {
		return err
	}
	return checkLength("Tag value", t.Value, MaxExpTagValue)
}

// CheckLocation refuses URIs that cannot be a place for artifacts: with a
// fragment, parameters, control characters, climbing segments, or of a scheme
// that only refers to a place. "" passes.
func CheckLocation(field, uri string) error {
	if uri == "" {
		return nil
	}
	if len(uri) > MaxLocation {
		return errs.New(errs.Invalid, "'%s' had length %d, which exceeded length limit of %d", field, len(uri), MaxLocation)
	}
	if head, _, _ := strings.Cut(uri, ":"); head == "runs" || head == "models" {
		return errs.New(errs.Invalid, "Artifact location cannot be a %s:/ URI. Given: '%s'", head, clip(uri))
	}
	if strings.ContainsAny(uri, "#;") {
		return errs.New(errs.Invalid, "'%s' URL can't include fragments or params.", field)
	}
	if _, query, _ := strings.Cut(uri, "?"); strings.Contains(query, "..") {
		return errs.New(errs.Invalid, "Invalid query string")
	}
	bad := errs.New(errs.Invalid, "Invalid value '%s' for '%s': artifact locations have no fragment, parameters, control characters or relative segments", clip(uri), field)
	text := uri
	for range 8 { // percent-decoding until nothing changes
		if strings.ContainsAny(text, "#;\\\x00\r\n\t") {
			return bad
		}
		head, query, _ := strings.Cut(text, "?")
		for _, seg := range strings.Split(head, "/") {
			if seg == ".." {
				return bad
			}
		}
		if strings.Contains(query, "..") || (strings.Contains(text, "?") && strings.Contains(text, "../")) {
			return bad
		}
		next, err := url.PathUnescape(text)
		if err != nil || next == text {
			return nil
		}
		text = next
	}
	return bad
}

// Experiment returns the experiment of that id, deleted or not.
func (s *Service) Experiment(ctx context.Context, id string) (*Experiment, error) {
	if err := CheckExperimentID(id); err != nil {
		return nil, err
	}
	return s.store.Experiment(ctx, id)
}

// ExperimentByName returns the experiment of that name, deleted or not.
func (s *Service) ExperimentByName(ctx context.Context, name string) (*Experiment, error) {
	return s.store.ExperimentByName(ctx, name)
}

// RenameExperiment gives an active experiment another name.
func (s *Service) RenameExperiment(ctx context.Context, id, name string) error {
	if err := checkExperimentName(name); err != nil {
		return err
	}
	return s.store.RenameExperiment(ctx, id, name, s.millis())
}

// DeleteExperiment marks an experiment and its runs deleted.
func (s *Service) DeleteExperiment(ctx context.Context, id string) error {
	return s.store.StageExperiment(ctx, id, Deleted, s.millis())
}

// RestoreExperiment brings a deleted experiment and its runs back.
func (s *Service) RestoreExperiment(ctx context.Context, id string) error {
	return s.store.StageExperiment(ctx, id, Active, s.millis())
}

// SetExperimentTag sets one tag.
func (s *Service) SetExperimentTag(ctx context.Context, id string, t Tag) error {
	if err := checkExperimentTag(t); err != nil {
		return err
	}
	return s.store.SetExperimentTag(ctx, id, t, s.millis())
}

// DeleteExperimentTag removes one tag.
func (s *Service) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return s.store.DeleteExperimentTag(ctx, id, key, s.millis())
}
