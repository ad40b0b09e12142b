package registry

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// The limits of the register, in characters.
const (
	MaxName     = 256
	MaxKey      = 250
	MaxTagValue = 100000
	MaxAlias    = 255
	MaxSource   = 2048
)

// Service applies the rules and keeps the register in a Store. It is safe for
// concurrent use.
type Service struct {
	store   Store
	sources Sources
	now     func() time.Time
}

// New returns a service on store.
func New(store Store, sources Sources, now func() time.Time) *Service {
	return &Service{store, sources, now}
}

func (s *Service) millis() int64 { return s.now().UnixMilli() }

func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return errs.New(errs.Invalid, "Registered model name cannot be empty.")
	}
	if strings.ContainsAny(name, "/:\x00") {
		return errs.New(errs.Invalid, "Invalid model name '%s'. Names cannot contain '/' or ':'.", clip(name))
	}
	return checkLength("Registered model name", name, MaxName)
}

func checkLength(what, s string, limit int) error {
	if n := utf8.RuneCountInString(s); n > limit {
		return errs.New(errs.Invalid, "%s '%s' had length %d, which exceeded length limit of %d", what, clip(s), n, limit)
	}
	return nil
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= 200 {
		return s
	}
	return string([]rune(s)[:200]) + "..."
}

func checkTag(t Tag) error {
	if t.Key == "" {
		return errs.New(errs.Invalid, "Missing value for required parameter 'key'. See the API docs for more information about request parameters.")
	}
	if err := checkLength("Tag key", t.Key, MaxKey); err != nil {
		return err
	}
	return checkLength("Tag value", t.Value, MaxTagValue)
}

var aliasForm = regexp.MustCompile(`^[\p{L}\p{N}_-]+$`)
var versionLike = regexp.MustCompile(`^[vV][0-9]+$`)

func checkAlias(alias string) error {
	if err := checkLength("Registered model alias name", alias, MaxAlias); err != nil {
		return err
	}
	if !aliasForm.MatchString(alias) {
		return errs.New(errs.Invalid, "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and dashes (-).", clip(alias))
	}
	if strings.EqualFold(alias, "latest") {
		return errs.New(errs.Invalid, "'latest' alias name (case insensitive) is reserved.")
	}
	if versionLike.MatchString(alias) {
		return errs.New(errs.Invalid, "Version alias name '%s' is reserved.", alias)
	}
	return nil
}

// number reads a version number.
func number(version string) (int64, error) {
	n, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return 0, errs.New(errs.Invalid, "Parameter 'version' must be an integer, got '%s'.", clip(version))
	}
	return n, nil
}

// stage returns the one spelling of a stage.
func stage(name string) (string, error) {
	for _, s := range []string{NoStage, Staging, Production, Archived} {
		if strings.EqualFold(name, s) {
			return s, nil
		}
	}
	return "", errs.New(errs.Invalid, "Invalid Model Version stage: %s. Value must be one of None, Staging, Production, Archived.", clip(name))
}

// CreateModel makes a model without versions.
func (s *Service) CreateModel(ctx context.Context, name, description string, tags []Tag) (*Model, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return nil, err
		}
	}
	now := s.millis()
	m := Model{Name: name, Description: description, Created: now, Updated: now, Tags: tags}
	if err := s.store.CreateModel(ctx, m); err != nil {
		return nil, err
	}
	return s.store.Model(ctx, name)
}

// Model returns a model with its tags, aliases and newest versions.
func (s *Service) Model(ctx context.Context, name string) (*Model, error) {
	return s.store.Model(ctx, name)
}

// RenameModel gives a model, its versions, tags and aliases another name.
func (s *Service) RenameModel(ctx context.Context, name, newName string) (*Model, error) {
	if err := checkName(newName); err != nil {
		return nil, err
	}
	if err := s.store.RenameModel(ctx, name, newName, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Model(ctx, newName)
}

// DescribeModel sets the description of a model.
func (s *Service) DescribeModel(ctx context.Context, name, text string) (*Model, error) {
	if err := s.store.DescribeModel(ctx, name, text, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Model(ctx, name)
}

// DeleteModel removes a model with its versions, tags and aliases.
func (s *Service) DeleteModel(ctx context.Context, name string) error {
	return s.store.DeleteModel(ctx, name, s.millis())
}

// SetModelTag sets one tag of a model.
func (s *Service) SetModelTag(ctx context.Context, name string, t Tag) error {
	if err := checkTag(t); err != nil {
		return err
	}
	return s.store.SetModelTag(ctx, name, t, s.millis())
}

// DeleteModelTag removes one tag of a model; a missing tag is no fault.
func (s *Service) DeleteModelTag(ctx context.Context, name, key string) error {
	return s.store.DeleteModelTag(ctx, name, key, s.millis())
}

// SetAlias makes alias name that version; it may have named another before.
func (s *Service) SetAlias(ctx context.Context, name, alias, version string) error {
	if err := checkAlias(alias); err != nil {
		return err
	}
	n, err := number(version)
	if err != nil {
		return err
	}
	return s.store.SetAlias(ctx, name, alias, n, s.millis())
}

// DeleteAlias removes an alias; a missing alias is no fault.
func (s *Service) DeleteAlias(ctx context.Context, name, alias string) error {
	return s.store.DeleteAlias(ctx, name, alias, s.millis())
}

// VersionByAlias returns the version that alias names; "latest" is the highest.
func (s *Service) VersionByAlias(ctx context.Context, name, alias string) (*Version, error) {
	return s.store.VersionByAlias(ctx, name, alias)
}
