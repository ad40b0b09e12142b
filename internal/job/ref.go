package job

import (
	"path/filepath"
	"strings"
)

// IsRemote reports whether a path names something that is not a local file: an
// azureml: reference or a URL.
func IsRemote(path string) bool {
	scheme, _, ok := strings.Cut(path, ":")
	if !ok || len(scheme) < 2 { // one letter is a Windows drive
		return false
	}
	switch strings.ToLower(scheme) {
	case "azureml", "http", "https", "wasb", "wasbs", "abfs", "abfss", "adl", "azuremlmetrics", "git", "git+https", "s3", "gs", "runs", "models", "dbfs", "hdfs":
		return true
	}
	return false
}

// path makes a local path absolute, from the folder of the document; remote
// references and expressions stay as they are.
func (d *Document) path(p string) string {
	p = strings.TrimSpace(p)
	if p == "" || IsRemote(p) || strings.Contains(p, "${{") {
		return p
	}
	p = strings.TrimPrefix(strings.TrimPrefix(p, "file://"), "file:")
	if filepath.IsAbs(p) || filepath.VolumeName(p) != "" {
		return filepath.Clean(p)
	}
	return filepath.Join(d.Dir, filepath.FromSlash(p))
}

// reference makes the path in a file: or ./ reference absolute and leaves the
// others alone.
func (d *Document) reference(s string) string {
	if strings.HasSuffix(s, ".yml") || strings.HasSuffix(s, ".yaml") || strings.HasPrefix(s, "file:") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") {
		return d.path(s)
	}
	return s
}
