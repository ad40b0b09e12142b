package azureml

// sparkFirst are the settings of spark that come first of the known ones, in the
// order in which they are written; those after them are sparkLater. Others keep
// the order of the file, before all of these.
var (
	sparkKnown = []string{
		"spark.driver.cores", "spark.driver.memory", "spark.executor.cores", "spark.executor.memory",
		"spark.executor.instances",
		"spark.dynamicAllocation.enabled", "spark.dynamicAllocation.minExecutors", "spark.dynamicAllocation.maxExecutors",
	}
)

// sparkConf orders settings. A step that scales by itself begins with as many
// executors as it has at least.
func sparkConf(m ordered, instances bool) ordered {
	out := ordered{}
	known := map[string]bool{}
	for _, k := range sparkKnown {
		known[k] = true
	}
	for _, p := range m {
		if !known[p.key] {
			out = append(out, p)
		}
	}
	for _, k := range sparkKnown {
		v := m.get(k)
		if k == "spark.executor.instances" && v == nil && instances && m.get("spark.dynamicAllocation.enabled") == true {
			v = m.get("spark.dynamicAllocation.minExecutors")
		}
		out.add(k, v)
	}
	return out
}

// sparkPart writes what is particular to spark components.
func (b *builder) sparkPart(out *ordered, c component, inner bool) error {
	o := c.body
	env, err := environmentIn(o.get("environment"), c.dir)
	if err != nil {
		return err
	}
	out.add("environment", env)
	out.add("code", codeIn(o.get("code"), c.dir, inner))
	if inner {
		out.add("is_deterministic", o.get("is_deterministic") != false)
	}
	out.copies(o, "archives", "args")
	out.add("conf", sparkConf(o.in("conf"), c.step))
	entry := o.in("entry").get("file")
	if entry == nil {
		entry = o.in("entry").get("class_name")
	}
	out.add("entry", ordered{{"file", entry}})
	out.copies(o, "files")
	if !inner {
		out.add("is_deterministic", o.get("is_deterministic") != false)
	}
	out.copies(o, "jars", "py_files")
	return nil
}

// sparkNode writes what a spark step says besides, or takes from its component.
// Without an identity, a pool runs it by its own and serverless spark by the
// user's.
func sparkNode(out map[string]any, st step) {
	id := identity(st.partMap("identity"))
	if id == nil && st.id == "" {
		id = map[string]any{"identityType": "UserIdentity"}
		if st.body.get("compute") != nil {
			id["identityType"] = "Managed"
		}
	}
	putFull(out, "identity", snake(id))
	putFull(out, "resources", st.body.in("resources").plainMap())
	for _, key := range []string{"args", "archives", "files", "jars", "py_files"} {
		put(out, key, unordered(st.part(key)))
	}
	conf := st.conf().plainMap()
	putFull(out, "conf", conf)
	entry := st.partMap("entry")
	if len(entry) == 0 {
		return
	}
	entry["spark_job_entry_type"] = "SparkJobPythonEntry"
	if entry["class_name"] != nil {
		entry["spark_job_entry_type"] = "SparkJobScalaEntry"
	}
	out["entry"] = entry
}

// conf is the component's configuration with what the step sets anew.
func (st step) conf() ordered {
	if st.step {
		return sparkConf(st.body.in("conf"), true)
	}
	all := ordered{}
	own := st.body.in("conf")
	for _, p := range st.component.body.in("conf") {
		if own.get(p.key) == nil {
			all = append(all, p)
		}
	}
	return sparkConf(append(all, own...), true)
}
