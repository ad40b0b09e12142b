package dataver

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Output is a file or folder whose content is versioned, as a .dvc file or
// dvc.lock has it.
type Output struct {
	File  string `json:"file"`            // that names it, from the root of the repository
	Stage string `json:"stage,omitempty"` // of dvc.yaml; "" for .dvc files
	Path  string `json:"path"`            // from the root, slash-separated
	OID   OID    `json:"md5"`             // "" when it was never recorded
	Size  int64  `json:"size"`            // bytes, of all files
	// Files is how many files a folder has, 0 for a file.
	Files int  `json:"nfiles,omitempty"`
	Exec  bool `json:"isexec,omitempty"` // the file is a program

	Cached bool   `json:"-"` // its content is kept in the cache
	Push   bool   `json:"-"` // and in remotes
	Remote string `json:"-"` // the remote of its own, "" for the default
	legacy bool   // named by DVC 2's hash
}

// pointerFile is a .dvc file.
type pointerFile struct {
	name string // from the root
	doc  *yaml.Node
	outs []Output
}

// maxDocument is more than any .dvc, dvc.yaml or dvc.lock needs, in bytes.
const maxDocument = 64 << 20

func parseDocument(name string, text []byte) (*yaml.Node, error) {
	if len(text) > maxDocument {
		return nil, errs.New(errs.TooLarge, "%s has %d bytes", name, len(text))
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, &errs.Input{File: name, Problem: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if doc.Kind == 0 {
		return &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{mapping()}}, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, &errs.Input{File: name, Row: doc.Content[0].Line, Problem: "not a mapping"}
	}
	return &doc, nil
}

func (r *Repo) readDocument(name string) (*yaml.Node, error) {
	text, err := os.ReadFile(r.full(name))
	if err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	return parseDocument(name, text)
}

func (r *Repo) readPointer(name string) (*pointerFile, error) {
	doc, err := r.readDocument(name)
	if err != nil {
		return nil, err
	}
	return parsePointer(name, doc)
}

func parsePointer(name string, doc *yaml.Node) (*pointerFile, error) {
	p := &pointerFile{name: name, doc: doc}
	root := doc.Content[0]
	base := path.Dir(name)
	if wdir := get(root, "wdir"); wdir != nil {
		base = path.Join(base, wdir.Value)
	}
	outs := get(root, "outs")
	if outs == nil || outs.Kind != yaml.SequenceNode {
		return nil, &errs.Input{File: name, Problem: "there is no list of outs"}
	}
	for _, n := range outs.Content {
		out, err := parseOutput(name, base, n)
		if err != nil {
			return nil, err
		}
		p.outs = append(p.outs, out)
	}
	return p, nil
}

// parseOutput reads one item of outs; base is the folder its path is seen from.
func parseOutput(file, base string, n *yaml.Node) (Output, error) {
	fault := func(problem, mend string) (Output, error) {
		return Output{}, &errs.Input{File: file, Row: n.Line, Problem: problem, Mend: mend}
	}
	var raw struct {
		MD5    string `yaml:"md5"`
		Size   int64  `yaml:"size"`
		NFiles int    `yaml:"nfiles"`
		IsExec bool   `yaml:"isexec"`
		Hash   string `yaml:"hash"`
		Path   string `yaml:"path"`
		Cache  *bool  `yaml:"cache"`
		Push   *bool  `yaml:"push"`
		Remote string `yaml:"remote"`
		Etag   string `yaml:"etag"`
	}
	if err := n.Decode(&raw); err != nil {
		return fault("an output is not written as DVC does: "+err.Error(), "")
	}
	at, err := inside(base, raw.Path)
	if err != nil {
		return fault(err.Error(), "only what is in the repository can be versioned")
	}
	out := Output{File: file, Path: at, Size: raw.Size, Files: raw.NFiles, Exec: raw.IsExec, Remote: raw.Remote, Cached: raw.Cache == nil || *raw.Cache, Push: raw.Push == nil || *raw.Push}
	out.legacy = raw.Hash != "md5" && raw.MD5 != ""
	if raw.MD5 != "" {
		if out.OID, err = ParseOID(raw.MD5); err != nil {
			return fault(err.Error(), "")
		}
	}
	if raw.MD5 == "" && raw.Etag != "" {
		return fault("the output has an etag and no md5", "cloud versioning is not offered: `dvc update --to-remote`, or add the data again")
	}
	return out, nil
}

// inside joins a path to a folder of the repository and refuses what leads out of
// it, or into the folders of Git and DVC themselves.
func inside(base, p string) (string, error) {
	at := path.Join(base, p)
	switch {
	case p == "" || path.IsAbs(p) || filepath.IsAbs(p) || strings.Contains(p, "://") || at == ".." || strings.HasPrefix(at, "../") || strings.ContainsAny(p, "\\\x00") || hasDrive(p):
		return "", errs.New(errs.Invalid, "the path %q leads out of the repository", p)
	case at == "." || reservedPath(at):
		return "", errs.New(errs.Invalid, "the path %q is that of the repository itself", p)
	}
	return at, nil
}

func reservedPath(at string) bool {
	first, _, _ := strings.Cut(at, "/")
	return first == ".git" || first == ".dvc"
}

// record puts what an output holds now into its item of a document, as DVC orders it.
func record(n *yaml.Node, o Output) {
	fresh := mapping()
	set(fresh, "md5", textNode(string(o.OID)))
	set(fresh, "size", numberNode(o.Size))
	if o.Files > 0 || o.OID.IsDir() {
		set(fresh, "nfiles", numberNode(int64(o.Files)))
	}
	if o.Exec {
		set(fresh, "isexec", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	}
	set(fresh, "hash", textNode("md5"))
	for i := 0; i < len(n.Content); i += 2 {
		switch n.Content[i].Value {
		case "md5", "size", "nfiles", "isexec", "hash", "etag", "version_id":
		default:
			fresh.Content = append(fresh.Content, n.Content[i], n.Content[i+1])
		}
	}
	n.Content = fresh.Content
}
