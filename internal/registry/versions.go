package registry

import (
	"context"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// NewVersion is what the maker of a version says about it.
type NewVersion struct {
	Name        string
	Source      string // an artifact URI, or models:/ID of a logged model
	RunID       string
	RunLink     string
	Description string
	ModelID     string
	UserID      string
	Tags        []Tag
}

// CreateVersion makes the next version of a model.
func (s *Service) CreateVersion(ctx context.Context, n NewVersion) (*Version, error) {
	if err := checkName(n.Name); err != nil {
		return nil, err
	}
	for _, t := range n.Tags {
		if err := checkTag(t); err != nil {
			return nil, err
		}
	}
	storage, err := s.resolve(ctx, &n)
	if err != nil {
		return nil, err
	}
	now := s.millis()
	number, err := s.store.CreateVersion(ctx, Version{
		Name: n.Name, Created: now, Updated: now, UserID: n.UserID, Stage: NoStage, Description: n.Description, Source: n.Source,
		Storage: storage, RunID: n.RunID, RunLink: n.RunLink, ModelID: n.ModelID, Status: Ready, Tags: n.Tags,
	})
	if err != nil {
		return nil, err
	}
	return s.store.Version(ctx, n.Name, number)
}

// resolve returns the artifact URI that the source means, and refuses sources
// that lead out of where their run or logged model keeps its files.
func (s *Service) resolve(ctx context.Context, n *NewVersion) (string, error) {
	if err := CheckSource(n.Source); err != nil {
		return "", err
	}
	if id, ok := strings.CutPrefix(n.Source, "models:/"); ok {
		if !strings.HasPrefix(id, "m-") { // models:/NAME/VERSION: a copy
			return s.copied(ctx, n)
		}
		if n.ModelID == "" {
			n.ModelID = id
		}
		uri, run, err := s.sources.LoggedModel(ctx, id)
		if errs.Is(err, errs.NotFound) {
			err = errs.New(errs.Invalid, "Invalid model version source: '%s'. %w", clip(n.Source), err)
		}
		if n.RunID == "" {
			n.RunID = run
		}
		return uri, err
	}
	if n.ModelID != "" && n.RunID == "" {
		_, run, err := s.sources.LoggedModel(ctx, n.ModelID)
		if err != nil {
			return "", err
		}
		n.RunID = run
	}
	local, isLocal := localPath(n.Source)
	if !isLocal || n.prompt() && bareName.MatchString(n.Source) {
		return n.Source, nil
	}
	refused := errs.New(errs.Invalid, "Invalid model version source: '%s'. To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id.", clip(local))
	var uri string
	var err error
	switch {
	case n.ModelID != "":
		uri, _, err = s.sources.LoggedModel(ctx, n.ModelID)
	case n.RunID != "":
		uri, err = s.sources.RunArtifacts(ctx, n.RunID)
	default:
		return "", refused
	}
	if err != nil {
		return "", err
	}
	root, ok := localPath(uri)
	if !ok || !within(root, local) {
		return "", refused
	}
	return n.Source, nil
}

// bareName is what clients send as the source of a prompt, which has no files.
var bareName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func (n *NewVersion) prompt() bool {
	return slices.ContainsFunc(n.Tags, func(t Tag) bool { return t.Key == PromptTag && strings.EqualFold(t.Value, "true") })
}

// copied resolves models:/NAME/VERSION, the source of a copied version.
func (s *Service) copied(ctx context.Context, n *NewVersion) (string, error) {
	name, version, ok := strings.Cut(strings.TrimPrefix(n.Source, "models:/"), "/")
	if !ok {
		return "", badSource(n.Source)
	}
	num, err := number(version)
	if err != nil {
		return "", badSource(n.Source)
	}
	v, err := s.store.Version(ctx, name, num)
	if err != nil {
		return "", err
	}
	if n.RunID == "" {
		n.RunID = v.RunID
	}
	if n.ModelID == "" {
		n.ModelID = v.ModelID
	}
	return v.Storage, nil
}

func within(root, p string) bool {
	root, p = path.Clean(root), path.Clean(p)
	return p == root || strings.HasPrefix(p, root+"/")
}

// localPath returns the path that a file URI or a bare path names.
func localPath(uri string) (string, bool) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", true
	}
	switch u.Scheme {
	case "":
		return u.Path, true
	case "file":
		return u.Path, true
	}
	return "", len(u.Scheme) == 1 // a drive letter
}

func badSource(source string) error {
	return errs.New(errs.Invalid, "Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.", clip(source))
}

// CheckSource refuses sources that climb, hide what they name behind encodings,
// or point at another machine's files.
func CheckSource(source string) error {
	if source == "" || len(source) > MaxSource || strings.HasPrefix(source, "runs:") {
		return badSource(source)
	}
	text := source
	for range 8 { // percent-decoding until nothing changes
		if strings.ContainsAny(text, "\x00\r\n\t\\#") || strings.HasPrefix(text, "//") {
			return badSource(source)
		}
		if slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r == '/' || r == '?' || r == ';' || r == '=' || r == '&' }), "..") {
			return badSource(source)
		}
		next, err := url.PathUnescape(text)
		if err != nil {
			break
		}
		if next == text {
			return checkURL(source)
		}
		text = next
	}
	return badSource(source)
}

// rootless are the schemes whose URIs need no host.
var rootless = []string{"file", "mlflow-artifacts", "models", "dbfs", "hdfs", "viewfs", "azureml"}

func checkURL(source string) error {
	u, err := url.Parse(source)
	if err != nil {
		return badSource(source)
	}
	switch {
	case u.Scheme == "file" && u.Host != "" && u.Host != "localhost":
		return badSource(source)
	case u.Scheme != "" && u.Host == "" && !slices.Contains(rootless, u.Scheme):
		return badSource(source) // such as local:/etc, of no known store
	}
	if u.Scheme == "" && !strings.HasPrefix(u.Path, "/") && slices.Contains(strings.Split(u.Path, "/"), ".") {
		return badSource(source)
	}
	return nil
}

// Version returns one version of a model.
func (s *Service) Version(ctx context.Context, name, version string) (*Version, error) {
	n, err := number(version)
	if err != nil {
		return nil, err
	}
	return s.store.Version(ctx, name, n)
}

// DescribeVersion sets the description of a version.
func (s *Service) DescribeVersion(ctx context.Context, name, version, text string) (*Version, error) {
	n, err := number(version)
	if err != nil {
		return nil, err
	}
	if err := s.store.DescribeVersion(ctx, name, n, text, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Version(ctx, name, n)
}

// StageVersion moves a version to a stage. With archive, which only Staging and
// Production allow, the versions that were there are archived.
func (s *Service) StageVersion(ctx context.Context, name, version, to string, archive bool) (*Version, error) {
	n, err := number(version)
	if err != nil {
		return nil, err
	}
	canonical, err := stage(to)
	if err != nil {
		return nil, err
	}
	if archive && canonical != Staging && canonical != Production {
		return nil, errs.New(errs.Invalid, "Model version transition cannot archive existing model versions because '%s' is not an Active stage. Valid stages are Staging, Production", to)
	}
	if err := s.store.StageVersion(ctx, name, n, canonical, archive, s.millis()); err != nil {
		return nil, err
	}
	return s.store.Version(ctx, name, n)
}

// DeleteVersion removes a version and the aliases that name it; its number is
// not given again.
func (s *Service) DeleteVersion(ctx context.Context, name, version string) error {
	n, err := number(version)
	if err != nil {
		return err
	}
	return s.store.DeleteVersion(ctx, name, n, s.millis())
}

// SetVersionTag sets one tag of a version.
func (s *Service) SetVersionTag(ctx context.Context, name, version string, t Tag) error {
	n, err := number(version)
	if err != nil {
		return err
	}
	if err := checkTag(t); err != nil {
		return err
	}
	return s.store.SetVersionTag(ctx, name, n, t, s.millis())
}

// DeleteVersionTag removes one tag of a version; a missing tag is no fault.
func (s *Service) DeleteVersionTag(ctx context.Context, name, version, key string) error {
	n, err := number(version)
	if err != nil {
		return err
	}
	return s.store.DeleteVersionTag(ctx, name, n, key, s.millis())
}

// LatestVersions returns the newest version of each of the stages; no stages
// means all of them.
func (s *Service) LatestVersions(ctx context.Context, name string, stages []string) ([]Version, error) {
	var wanted []string
	for _, st := range stages {
		c, err := stage(st)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(wanted, c) {
			wanted = append(wanted, c)
		}
	}
	if len(wanted) == 0 {
		wanted = []string{NoStage, Staging, Production, Archived}
	}
	return s.store.LatestVersions(ctx, name, wanted)
}
