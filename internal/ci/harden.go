package ci

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// hardening collects flaws that let others run or read what they should not.
type hardening struct {
	file  string
	flaws []Flaw
}

func (h *hardening) add(at *yaml.Node, rule, says, mend string) {
	h.flaws = append(h.flaws, Flaw{h.file, at.Line, at.Column, rule, says, mend})
}

// child is the value of a key, through an alias; nil when there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	n = behind(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return behind(n.Content[i+1])
		}
	}
	return nil
}

func behind(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out[i] = behind(c)
	}
	return out
}

// action examines the steps of a composite action.
func (h *hardening) action(root *yaml.Node) {
	runs := child(root, "runs")
	for _, step := range items(child(runs, "steps")) {
		h.step(step, false)
		if run := child(step, "run"); run != nil && child(step, "shell") == nil {
			h.add(run, "shell", "a step of a composite action names no shell", "add shell: bash")
		}
	}
}

func (h *hardening) workflow(root *yaml.Node) {
	on := child(root, "on")
	if fires(on, "pull_request_target") {
		h.add(on, "dangerous-trigger", "pull_request_target runs with the secrets of this repository for anybody's pull request", "use pull_request, and a second workflow on workflow_run for what needs a token")
	}
	risky := fires(on, "pull_request_target") || fires(on, "workflow_run")
	top := child(root, "permissions")
	h.broad(top)
	jobs := child(root, "jobs")
	if jobs == nil || jobs.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(jobs.Content); i += 2 {
		name, job := jobs.Content[i], behind(jobs.Content[i+1])
		if job.Kind != yaml.MappingNode {
			continue // actionlint says so
		}
		own := child(job, "permissions")
		h.broad(own)
		if top == nil && own == nil {
			h.add(name, "permissions", "job "+name.Value+" has whatever token the repository gives by default", "add permissions: {} at the top, and to each job what it needs")
		}
		if s := child(job, "secrets"); s != nil && s.Value == "inherit" {
			h.add(s, "secrets-inherit", "job "+name.Value+" hands every secret to the workflow it calls", "name those that it needs")
		}
		if child(job, "uses") == nil && child(job, "timeout-minutes") == nil {
			h.add(name, "timeout", "job "+name.Value+" may hang for six hours", "add timeout-minutes")
		}
		h.pinned(child(job, "uses"))
		h.image(job)
		for _, step := range items(child(job, "steps")) {
			h.step(step, risky)
		}
	}
}

func fires(on *yaml.Node, event string) bool {
	if on == nil {
		return false
	}
	return on.Value == event || child(on, event) != nil || slices.ContainsFunc(items(on), func(n *yaml.Node) bool { return n.Value == event })
}

func (h *hardening) broad(p *yaml.Node) {
	if p != nil && p.Kind == yaml.ScalarNode && (p.Value == "write-all" || p.Value == "read-all") {
		h.add(p, "permissions", p.Value+" grants far more than a workflow needs", "name each scope, as in contents: read")
	}
}

func (h *hardening) image(job *yaml.Node) {
	at := []*yaml.Node{child(job, "container")}
	if services := child(job, "services"); services != nil && services.Kind == yaml.MappingNode {
		for i := 1; i < len(services.Content); i += 2 {
			at = append(at, behind(services.Content[i]))
		}
	}
	for _, c := range at {
		if c == nil {
			continue
		}
		if image := child(c, "image"); image != nil {
			c = image
		}
		if c.Kind == yaml.ScalarNode && c.Value != "" && !strings.Contains(c.Value, "${{") && !imageDigest.MatchString(c.Value) {
			h.add(c, "unpinned-image", "image "+c.Value+" may be another tomorrow", "add @sha256: and its digest")
		}
	}
}

var (
	fullHash       = regexp.MustCompile(`^[^@\s]+@[0-9a-f]{40}$`)
	imageDigest    = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	chosenByOthers = regexp.MustCompile(`head|merge|pull_request|github\.event`)
	expression     = regexp.MustCompile(`(?s)\$\{\{(.*?)\}\}`)
	// What may stand in a script: values that are the runner's or the workflow's own
	// and can hold nothing but names and numbers.
	harmless = regexp.MustCompile(`^(github\.(run_id|run_number|run_attempt|sha|repository_id|repository_owner_id|workflow_sha|action_path|workspace)|runner\.(os|arch|temp|tool_cache)|strategy\.(job-index|job-total)|job\.status)$`)
)

func (h *hardening) pinned(uses *yaml.Node) {
	if uses == nil || strings.HasPrefix(uses.Value, "./") || fullHash.MatchString(uses.Value) {
		return
	}
	if strings.HasPrefix(uses.Value, "docker://") && imageDigest.MatchString(uses.Value) {
		return
	}
	h.add(uses, "unpinned-uses", uses.Value+" may be another program tomorrow", "pin it to a full commit hash, with the version as a comment")
}

// step examines what a step runs; risky says that the workflow holds secrets while
// strangers choose the commit.
func (h *hardening) step(step *yaml.Node, risky bool) {
	uses, with := child(step, "uses"), child(step, "with")
	h.pinned(uses)
	h.script(child(step, "run"))
	if uses == nil {
		return
	}
	action, _, _ := strings.Cut(uses.Value, "@")
	switch strings.ToLower(action) {
	case "actions/github-script":
		h.script(child(with, "script"))
	case "actions/checkout":
		if keep := child(with, "persist-credentials"); keep == nil || keep.Value != "false" {
			h.add(uses, "persist-credentials", "the token stays in .git/config, where later steps and artifacts find it", "add with: persist-credentials: false")
		}
		if ref := child(with, "ref"); risky && ref != nil && theirs(ref.Value) {
			h.add(ref, "untrusted-checkout", "a stranger's commit is checked out beside the secrets of this repository", "check it out in a workflow on pull_request")
		}
		if repo := child(with, "repository"); risky && repo != nil && theirs(repo.Value) {
			h.add(repo, "untrusted-checkout", "a stranger's repository is checked out beside the secrets of this one", "check it out in a workflow on pull_request")
		}
	}
}

// theirs reports whether a reference is chosen by who opened a pull request.
func theirs(ref string) bool {
	return strings.Contains(ref, "${{") && chosenByOthers.MatchString(ref)
}

// script finds expressions in a script: their text becomes part of the program.
func (h *hardening) script(run *yaml.Node) {
	if run == nil {
		return
	}
	for _, at := range expression.FindAllStringSubmatchIndex(run.Value, -1) {
		inner := strings.TrimSpace(run.Value[at[2]:at[3]])
		if harmless.MatchString(inner) {
			continue
		}
		where := *run
		if run.Style == yaml.LiteralStyle || run.Style == yaml.FoldedStyle {
			where.Line += 1 + strings.Count(run.Value[:at[0]], "\n")
			where.Column = 1
		}
		h.add(&where, "template-injection", "${{ "+inner+" }} becomes part of the script, whatever it holds", "pass it by env: and write \"$NAME\"")
	}
}
