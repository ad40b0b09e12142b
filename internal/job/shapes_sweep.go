package job

func sweepJob() *shape {
	return object("sweepJob", jobHead(), sweepRequired(), fields(
		opt("type", enum("sweep")), opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())),
		opt("resources", resources()),
	)).checked(sweepRules)
}

func sweepRequired() []field {
	return fields(
		lazyReq("trial", func() *shape { return trial() }), req("search_space", mapOf(distributionShape())),
		req("sampling_algorithm", sampling()), req("objective", objective()),
		opt("limits", sweepLimits()), opt("early_termination", earlyTermination()))
}

func lazyReq(name string, s func() *shape) field { return field{name: name, is: s, required: true} }

// sweepFields are those of a sweep step.
func sweepFields() []field { return append(sweepRequired(), opt("type", enum("sweep"))) }

// trial is the command that a sweep repeats, in place or a component.
func trial() *shape {
	return object("trial", head(), commandFields(), fields(
		opt("type", enum("command")), opt("inputs", mapOf(declaredInput())), opt("outputs", mapOf(declaredOutput())),
		opt("version", literal()), opt("is_deterministic", boolean()), opt("additional_includes", listOf(str())))).or(str())
}

func objective() *shape {
	return object("objective", fields(req("goal", enum("minimize", "maximize")), req("primary_metric", str())))
}

func sweepLimits() *shape {
	return object("sweepLimits", fields(
		opt("max_total_trials", integer().atLeast(1)), opt("max_concurrent_trials", integer().atLeast(1)),
		opt("timeout", integer().atLeast(1).says("seconds")), opt("trial_timeout", integer().atLeast(1).says("seconds"))))
}

func sampling() *shape {
	d := &discriminator{key: "type", cases: map[string]func() *shape{
		"random": always(object("", fields(opt("type", str()), opt("seed", integer()), opt("rule", enum("random", "sobol")), opt("logbase", literal())))),
		"grid":   always(object("", fields(opt("type", str())))), "bayesian": always(object("", fields(opt("type", str())))),
	}}
	return enum("random", "grid", "bayesian", "sobol").or(&shape{by: d})
}

func earlyTermination() *shape {
	common := fields(opt("type", str()), opt("evaluation_interval", integer().atLeast(1)), opt("delay_evaluation", integer().atLeast(0)))
	d := &discriminator{key: "type", cases: map[string]func() *shape{
		"bandit":          always(object("", common, fields(opt("slack_factor", number().atLeast(0)), opt("slack_amount", number().atLeast(0)))).checked(banditRules)),
		"median_stopping": always(object("", common)),
		"truncation_selection": always(object("", common, fields(
			req("truncation_percentage", integer().atLeast(1).atMost(99)), opt("exclude_finished_jobs", boolean())))),
	}}
	return &shape{name: "earlyTermination", by: d}
}

// distributionShape is one entry of a search space.
func distributionShape() *shape {
	kind := opt("type", str())
	span := fields(kind, req("min_value", number()), req("max_value", number()))
	bell := fields(kind, req("mu", number()), req("sigma", number().atLeast(0)))
	step := req("q", number().atLeast(0))
	spanned := func(more ...field) func() *shape { return always(object("", span, more).checked(spanRules)) }
	belled := func(more ...field) func() *shape { return always(object("", bell, more)) }
	return &shape{name: "distribution", by: &discriminator{key: "type", cases: map[string]func() *shape{
		"choice":  always(object("", fields(kind, req("values", listOf(anything()))))),
		"randint": always(object("", fields(kind, req("upper", integer().atLeast(1))))),
		"uniform": spanned(), "loguniform": spanned(), "quniform": spanned(step), "qloguniform": spanned(step),
		"normal": belled(), "lognormal": belled(), "qnormal": belled(step), "qlognormal": belled(step),
	}}}
}
