package job

import (
	"regexp"
	"strconv"
	"strings"
)

func needName(c *checker, a at) {
	if !a.child("name").exists() {
		c.fault(at{node: a.node, path: join(a.path, "name")}, "add `name:`", "the required field is missing")
	}
}

func environmentRules(c *checker, a at) {
	image, build := a.child("image"), a.child("build")
	if image.exists() && build.exists() {
		c.fault(build, "keep one of them", "an environment has an image or a build, not both")
	}
	if conda := a.child("conda_file"); conda.exists() && !image.exists() && !build.exists() {
		c.fault(conda, "add `image:`", "a conda_file needs an image to build on")
	}
	if !image.exists() && !build.exists() && !a.child("conda_file").exists() {
		c.fault(a, "add `image:` or `build:`", "the environment says nothing of its contents")
	}
	c.environmentFiles(a)
}

var (
	servingName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$`)
	placeholder = regexp.MustCompile(`[<>{}$]|_NAME|PLACEHOLDER`)
)

// servingRules checks the name of an endpoint or deployment.
func (c *checker) servingName(a at) {
	if !a.exists() {
		return
	}
	v := a.node.Value
	switch {
	case placeholder.MatchString(v):
		c.warn(a, "replace it, in the file or with --set "+a.path+"=…", "%s looks like a placeholder", describe(a.node))
	case !servingName.MatchString(v):
		c.fault(a, "use 3 to 32 letters, digits and `-`, a letter first", "%s cannot name an endpoint or deployment", describe(a.node))
	}
}

func endpointRules(c *checker, a at) {
	c.servingName(a.child("name"))
	total := 0
	a.child("traffic").each(func(_ string, v at) {
		n, _ := strconv.Atoi(text(v.node))
		total += n
	})
	if total > 100 {
		c.fault(a.child("traffic"), "let the shares sum to 100 (or 0)", "the shares sum to %d", total)
	} else if total != 0 && total != 100 {
		c.warn(a.child("traffic"), "let the shares sum to 100", "the shares sum to %d: the rest gets no answer", total)
	}
	mirror := a.child("mirror_traffic")
	n := 0
	mirror.each(func(_ string, v at) {
		n++
		if share, _ := strconv.Atoi(text(v.node)); share > 50 {
			c.fault(v, "write at most 50", "mirror traffic of %d percent", share)
		}
	})
	if n > 1 {
		c.fault(mirror, "keep one", "mirror traffic goes to exactly one deployment, not %d", n)
	}
}

func deploymentRules(c *checker, a at) {
	c.servingName(a.child("name"))
	c.servingName(a.child("endpoint_name"))
	if m := a.child("model"); m.isText() {
		c.reference(m, "model", true)
	}
	c.environmentFiles(a.child("environment"))
	c.codeFiles(a.child("code_configuration"))
	if p := a.child("scale_settings"); p.integer("min_instances") > p.integer("max_instances") && p.child("max_instances").exists() {
		c.fault(p.child("max_instances"), "write at least min_instances", "%d is less than min_instances, %d", p.integer("max_instances"), p.integer("min_instances"))
	}
}

func (c *checker) codeFiles(code at) {
	if !code.exists() {
		return
	}
	if code.child("scoring_script").exists() != code.child("code").exists() {
		c.warn(code, "give `code:` and `scoring_script:`", "one of code and scoring_script is missing")
	}
	c.missing(code.child("code"))
}

func batchRules(c *checker, a at) {
	c.servingName(a.child("endpoint_name"))
	if m := a.child("model"); m.isText() {
		c.reference(m, "model", true)
	}
	if f := a.child("component"); f.isText() {
		c.reference(f, "component", true)
	}
	c.environmentFiles(a.child("environment"))
	c.codeFiles(a.child("code_configuration"))
	pipeline := strings.EqualFold(a.text("type"), "pipeline")
	if pipeline && !a.child("component").exists() && !a.child("job_definition").exists() {
		c.fault(at{node: a.node, path: join(a.path, "component")}, "add `component:` or `job_definition:`", "the required field is missing")
	}
}

func datastoreRules(c *checker, a at) {
	needName(c, a)
	need := map[string][]string{
		"azure_blob": {"account_name", "container_name"}, "azure_file": {"account_name", "file_share_name"},
		"azure_data_lake_gen1": {"store_name"}, "azure_data_lake_gen2": {"account_name", "filesystem"},
	}[strings.ToLower(a.text("type"))]
	for _, f := range need {
		if !a.child(f).exists() {
			c.fault(at{node: a.node, path: join(a.path, f)}, "add `"+f+":`", "the required field is missing")
		}
	}
}
