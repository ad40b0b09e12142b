// Package drivecast holds the tests of the house itself: who may import whom,
// and how large a file may grow. See ARCHITECTURE.md.
package drivecast

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	modulePath   = "github.com/drivecast/drivecast"
	maxFileLines = 500
	maxFuncLines = 80
)

// rows lists every package, lowest row first. A package imports only from rows
// above it in this list; a parent may import its own children.
var rows = []struct {
	name     string
	packages []string
}{
	{"stone", []string{"errs", "internal/rng", "internal/filelock", "internal/sent"}},
	{"data", []string{"table", "internal/filter", "internal/search"}},
	{"drives", []string{"smart", "internal/simulate"}},
	{"kernels", []string{"tree/kernel"}},
	{"learning", []string{"tree", "tree/hist", "linear", "feature"}},
	{"judging", []string{"eval", "eval/sequential", "eval/survival"}},
	{"truth", []string{"audit", "forecast"}},
	{"containers", []string{"model/pickle"}},
	{"readers", []string{"model/boosted", "model/mlfolder", "model/native", "model/onnx", "model/sklearn", "model/skops"}},
	{"model", []string{"model"}},
	{"records", []string{"internal/artifact", "internal/auth", "internal/tracking", "internal/registry", "internal/webhook", "internal/fleet"}},
	{"work", []string{"internal/reduce", "internal/train", "internal/score/route", "internal/score", "internal/drift", "internal/job", "internal/job/cron", "internal/job/sweep"}},
	{"trials", []string{"internal/tune"}},
	{"adapters", []string{"internal/artifact/artifacttest", "internal/objectstore", "internal/sqlstore", "internal/sqlstore/storetest", "internal/mlflow", "internal/mlflow/client", "internal/job/azureml", "internal/job/local", "internal/job/jobtest", "internal/collect", "internal/gate", "internal/oidc", "internal/azure"}},
	{"cluster", []string{"internal/azure/azurefake/history", "internal/azure/azurefake/online", "internal/azure/azurefake", "internal/azure/rollout", "internal/job/kube", "internal/job/kube/pod", "internal/job/kube/rollout", "internal/job/kube/kubelettest"}},
	{"front", []string{"internal/backup", "internal/chart", "internal/dataver", "internal/image", "internal/importer", "internal/web", "internal/config", "internal/monitor", "internal/monitor/insights", "internal/progress", "internal/replicate", "internal/cli", "internal/doctor", "internal/failover", "internal/ci", "internal/hook"}},
	{"serving", []string{"internal/serving"}},
	{"commands", []string{"cmd/drivecast", "cmd/drivecast-score", "cmd/drivecast-cloud"}},
}

// outside lists directories that hold no product code: tests and benchmarks may
// import anything.
var outside = []string{".", "conformance", "bench"}

type source struct {
	path, dir string
	test      bool
	generated bool
	file      *ast.File
	lines     int
}

func parseAll(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	fset := token.NewFileSet()
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			skip := path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "vendor")
			if skip {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{
			path: path, dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"),
			generated: ast.IsGenerated(f), file: f, lines: strings.Count(string(text), "\n"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fset, out
}

func rowOf(dir string) int {
	for i, r := range rows {
		if slices.Contains(r.packages, dir) {
			return i
		}
	}
	return -1
}

func isOutside(dir string) bool {
	return slices.ContainsFunc(outside, func(o string) bool {
		return dir == o || o != "." && strings.HasPrefix(dir, o+"/")
	})
}

func TestImportsFollowRows(t *testing.T) {
	_, files := parseAll(t)
	for _, f := range files {
		if f.test || isOutside(f.dir) {
			continue
		}
		from := rowOf(f.dir)
		if from < 0 {
			t.Errorf("%s: package %s is in no row of house_test.go", f.path, f.dir)
			continue
		}
		for _, im := range f.file.Imports {
			target, ours := strings.CutPrefix(strings.Trim(im.Path.Value, `"`), modulePath+"/")
			if !ours || strings.HasPrefix(target, f.dir+"/") {
				continue
			}
			if to := rowOf(target); to >= from {
				t.Errorf("%s: %s (%s) may not import %s (%s): only rows above, or its own children",
					f.path, f.dir, rows[from].name, target, rows[to].name)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	_, files := parseAll(t)
	documented := map[string]bool{}
	for _, f := range files {
		if !f.test || f.dir == "." || f.file.Doc != nil {
			documented[f.dir] = documented[f.dir] || f.file.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	fset, files := parseAll(t)
	for _, f := range files {
		if f.test || f.generated {
			continue
		}
		for _, d := range f.file.Decls {
			for _, id := range undocumented(d) {
				t.Errorf("%s: exported %s has no comment", fset.Position(id.Pos()), id.Name)
			}
		}
	}
}

func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		var out []*ast.Ident
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					out = append(out, s.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						out = append(out, n)
					}
				}
			}
		}
		return out
	}
	return nil
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	e := d.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if ix, ok := e.(*ast.IndexExpr); ok {
		e = ix.X
	}
	id, ok := e.(*ast.Ident)
	return ok && id.IsExported()
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	fset, files := parseAll(t)
	for _, f := range files {
		if f.generated {
			continue
		}
		if f.lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d are allowed", f.path, f.lines, maxFileLines)
		}
		for _, d := range f.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, at most %d are allowed", fset.Position(fn.Pos()), fn.Name.Name, n, maxFuncLines)
			}
		}
	}
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 150 {
		t.Errorf("ARCHITECTURE.md has %d lines, at most 150 are allowed", n)
	}
	_, files := parseAll(t)
	seen := map[string]bool{}
	for _, f := range files {
		if !f.test && !isOutside(f.dir) && !seen[f.dir] {
			seen[f.dir] = true
			if !strings.Contains(string(text), "`"+f.dir+"`") {
				t.Errorf("ARCHITECTURE.md does not name `%s`", f.dir)
			}
		}
	}
}
