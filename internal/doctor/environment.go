package doctor

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// requirement is one package of an environment.
type requirement struct {
	name string // in lower case, with - between words
	spec string
	span span
	file string
	line int
}

// environment is the packages of a conda.yaml or requirements.txt.
type environment struct {
	file     string
	packages map[string]requirement
	twice    []requirement // named again with another specifier
}

const maxFile = 4 << 20

// readEnvironment reads a conda environment, or a list of pip requirements, told
// apart by content.
func readEnvironment(file string) (*environment, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	env := &environment{file: file, packages: map[string]requirement{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		for i, line := range strings.Split(string(text), "\n") {
			env.take(line, file, i+1)
		}
		return env, nil
	}
	env.conda(child(doc.Content[0], "dependencies"), file)
	return env, nil
}

// conda takes the list of dependencies, in which pip has a list of its own.
func (e *environment) conda(list *yaml.Node, file string) {
	if list == nil {
		return
	}
	for _, item := range list.Content {
		switch item.Kind {
		case yaml.ScalarNode:
			e.take(item.Value, file, item.Line)
		case yaml.MappingNode:
			if pip := child(item, "pip"); pip != nil {
				for _, p := range pip.Content {
					e.take(p.Value, file, p.Line)
				}
			}
		}
	}
}

// take reads one line; -r names a file beside it.
func (e *environment) take(line, file string, at int) {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, ";")
	line = strings.TrimSpace(line)
	if other, ok := strings.CutPrefix(line, "-r "); ok {
		text, err := readFile(beside(file, strings.TrimSpace(other)))
		if err == nil {
			for i, l := range strings.Split(string(text), "\n") {
				if !strings.HasPrefix(strings.TrimSpace(l), "-r") { // one level is what people write
					e.take(l, beside(file, strings.TrimSpace(other)), i+1)
				}
			}
		}
		return
	}
	if line == "" || line[0] == '-' {
		return
	}
	if _, rest, ok := strings.Cut(line, "::"); ok {
		line = rest // conda-forge::name
	}
	end := strings.IndexAny(line, "=<>!~[ @")
	if end < 0 {
		end = len(line)
	}
	spec := line[end:]
	if strings.HasPrefix(spec, "[") {
		_, spec, _ = strings.Cut(spec, "]")
	}
	if strings.HasPrefix(strings.TrimSpace(spec), "@") {
		spec = ""
	}
	r := requirement{strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(line[:end])), strings.TrimSpace(spec), parseSpan(spec), file, at}
	if old, ok := e.packages[r.name]; ok && old.spec != r.spec {
		e.twice = append(e.twice, r)
	}
	e.packages[r.name] = r
}

func readFile(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err == nil && (st.IsDir() || st.Size() > maxFile) {
		return nil, &errs.Input{File: file, Problem: "this is a folder, or larger than 4 MiB", Mend: "name the environment's file"}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, &errs.Input{File: file, Problem: "this file cannot be read: " + cause(err), Mend: "check the path; it is relative to the file that names it"}
	}
	return text, nil
}

func cause(err error) string {
	if os.IsNotExist(err) {
		return "it is not there"
	}
	return err.Error()
}

// child returns the value under a key of a mapping, nil when there is none.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return n
}

// modelFolder is what a model's MLmodel says of its making.
type modelFolder struct {
	file    string
	conda   string // file of its environment, "" when it names none
	sklearn version
	mlflow  version
	python  version
	lines   map[string]int
	pickle  bool
}

// readModel reads an MLflow folder, or a folder with one below it. It returns nil
// when dir is none.
func readModel(dir string) (*modelFolder, error) {
	if dir == "" {
		return nil, nil
	}
	file := filepath.Join(dir, "MLmodel")
	if _, err := os.Stat(file); err != nil {
		return nil, nil
	}
	text, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 {
		return nil, &errs.Input{File: file, Problem: "this is not YAML", Mend: "export the model again"}
	}
	root := doc.Content[0]
	m := &modelFolder{file: file, lines: map[string]int{}}
	get := func(name string, keys ...string) version {
		n := child(root, keys...)
		if n == nil || n.Kind != yaml.ScalarNode {
			return nil
		}
		m.lines[name] = n.Line
		return parseVersion(n.Value)
	}
	m.mlflow = get("mlflow", "mlflow_version")
	m.sklearn = get("scikit-learn", "flavors", "sklearn", "sklearn_version")
	m.python = get("python", "flavors", "python_function", "python_version")
	m.pickle = child(root, "flavors", "sklearn", "pickled_model") != nil
	for _, keys := range [][]string{{"flavors", "python_function", "env", "conda"}, {"flavors", "python_function", "env"}} {
		if n := child(root, keys...); n != nil && n.Kind == yaml.ScalarNode && m.conda == "" {
			m.conda = filepath.Join(dir, filepath.Base(n.Value))
		}
	}
	return m, nil
}
