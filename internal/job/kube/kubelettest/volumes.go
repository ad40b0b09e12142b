//go:build unix

package kubelettest

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumes makes the folder of every volume and reads the Secrets and ConfigMaps that
// variables come from; keys of the result are KIND/NAME/KEY.
func (r *podRun) volumes() (map[string]string, error) {
	values := map[string]string{}
	for _, v := range r.pod.Spec.Volumes {
		dir := r.volume(v.Name)
		if v.PersistentVolumeClaim != nil {
			if err := r.claimed(dir, v.PersistentVolumeClaim.ClaimName); err != nil {
				return nil, err
			}
			continue
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
		var err error
		switch {
		case v.Secret != nil:
			err = r.files(dir, "secret", v.Secret.SecretName, v.Secret.Optional, v.Secret.Items)
		case v.ConfigMap != nil:
			err = r.files(dir, "configMap", v.ConfigMap.Name, v.ConfigMap.Optional, v.ConfigMap.Items)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, c := range slices.Concat(r.pod.Spec.InitContainers, r.pod.Spec.Containers) {
		for _, e := range c.EnvFrom {
			var err error
			if s := e.SecretRef; s != nil {
				err = r.read(values, "secret", s.Name, s.Optional)
			}
			if m := e.ConfigMapRef; m != nil {
				err = r.read(values, "configMap", m.Name, m.Optional)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

func (r *podRun) volume(name string) string { return filepath.Join(r.dir, "volumes", name) }

// read puts the keys of a Secret or ConfigMap into values.
func (r *podRun) read(values map[string]string, kind, name string, optional *bool) error {
	data := map[string][]byte{}
	var err error
	if kind == "secret" {
		var s *corev1.Secret
		if s, err = r.n.core.Secrets(r.pod.Namespace).Get(r.ctx, name, metav1.GetOptions{}); err == nil {
			data = s.Data
		}
	} else {
		var m *corev1.ConfigMap
		if m, err = r.n.core.ConfigMaps(r.pod.Namespace).Get(r.ctx, name, metav1.GetOptions{}); err == nil {
			for k, v := range m.Data {
				data[k] = []byte(v)
			}
		}
	}
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil
	}
	for k, v := range data {
		values[kind+"/"+name+"/"+k] = string(v)
	}
	return err
}

func (r *podRun) files(dir, kind, name string, optional *bool, items []corev1.KeyToPath) error {
	values := map[string]string{}
	if err := r.read(values, kind, name, optional); err != nil {
		return err
	}
	for key, text := range values {
		file := strings.TrimPrefix(key, kind+"/"+name+"/")
		for _, item := range items {
			if item.Key == file {
				file = item.Path
			}
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o444); err != nil {
			return err
		}
	}
	return nil
}

// environment is that of a container: the node's, then the container's own.
func (r *podRun) environment(c corev1.Container, values map[string]string) (map[string]string, error) {
	vars := map[string]string{"PATH": os.Getenv("PATH"), "HOSTNAME": r.hostname()}
	for _, kv := range r.n.cfg.Env {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	for _, e := range c.EnvFrom {
		prefix := ""
		if e.SecretRef != nil {
			prefix = "secret/" + e.SecretRef.Name + "/"
		} else if e.ConfigMapRef != nil {
			prefix = "configMap/" + e.ConfigMapRef.Name + "/"
		}
		for k, v := range values {
			if name, ok := strings.CutPrefix(k, prefix); ok && prefix != "" {
				vars[e.Prefix+name] = v
			}
		}
	}
	for _, e := range c.Env {
		text := e.Value
		if e.ValueFrom != nil {
			if e.ValueFrom.FieldRef == nil {
				return nil, fmt.Errorf("variable %s: only fieldRef is known here", e.Name)
			}
			text = r.field(e.ValueFrom.FieldRef.FieldPath)
		}
		vars[e.Name] = r.here(c, []string{text})[0]
	}
	return vars, nil
}

func (r *podRun) hostname() string {
	if r.pod.Spec.Hostname != "" {
		return r.pod.Spec.Hostname
	}
	return r.pod.Name
}

// field is the downward API.
func (r *podRun) field(path string) string {
	for prefix, m := range map[string]map[string]string{"metadata.labels['": r.pod.Labels, "metadata.annotations['": r.pod.Annotations} {
		if key, ok := strings.CutPrefix(path, prefix); ok {
			return m[strings.TrimSuffix(key, "']")]
		}
	}
	return map[string]string{
		"metadata.name": r.pod.Name, "metadata.namespace": r.pod.Namespace, "metadata.uid": string(r.pod.UID), "spec.nodeName": r.n.cfg.Name,
		"status.podIP": r.address, "status.hostIP": address, "spec.serviceAccountName": r.pod.Spec.ServiceAccountName,
	}[path]
}

// rewrite hands every stretch of text between blanks, quotes, colons, commas and
// equals signs to f.
func rewrite(text string, f func(string) string) string {
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, " \t\n'\":,=")
		if i < 0 {
			b.WriteString(f(text))
			break
		}
		b.WriteString(f(text[:i]))
		b.WriteByte(text[i])
		text = text[i+1:]
	}
	return b.String()
}

func assignments(vars map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		out = append(out, k+"="+vars[k])
	}
	return out
}

// find looks a program up in the folders of a PATH.
func find(name, folders string) string {
	if strings.Contains(name, "/") {
		return name
	}
	for _, dir := range filepath.SplitList(folders) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return name
}

// marked lists processes whose environment has the assignment.
func marked(assignment string) []int {
	var out []int
	entries, _ := os.ReadDir("/proc") // elsewhere there is none, and groups must do
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && slices.ContainsFunc(bytes.Split(env, []byte{0}), func(kv []byte) bool { return string(kv) == assignment }) {
			out = append(out, pid)
		}
	}
	return out
}
