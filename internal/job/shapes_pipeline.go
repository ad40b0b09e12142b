package job

func pipelineSettings() *shape {
	return object("pipelineSettings", fields(
		opt("default_datastore", str()), opt("default_compute", str()), opt("continue_on_step_failure", boolean()),
		opt("force_rerun", boolean()), opt("continue_run_on_failed_optional_input", boolean())))
}

func pipelineJob() *shape {
	return object("pipelineJob", jobHead(), fields(
		opt("type", enum("pipeline")), opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())),
		opt("settings", pipelineSettings()), lazy("jobs", func() *shape { return mapOf(pipelineStep()) }),
		lazy("component", func() *shape { return str().or(pipelineComponent()) }), opt("limits", jobLimits()),
	)).checked(func(c *checker, a at) {
		if !a.child("jobs").exists() && !a.child("component").exists() {
			c.fault(at{node: a.node, path: "jobs"}, "add `jobs:` with at least one step", "the required field is missing")
		}
		pipelineRules(c, a)
	})
}

// pipelineStep is one entry of a pipeline's jobs.
func pipelineStep() *shape {
	cases := map[string]func() *shape{
		"command": func() *shape { return componentStep("commandStep", fields(commandStepFields()...)) },
		"parallel": func() *shape {
			return componentStep("parallelStep", optional(parallelFields()))
		},
		"sweep":  func() *shape { return componentStep("sweepStep", sweepFields()) },
		"spark":  func() *shape { return componentStep("sparkStep", optional(sparkFields())) },
		"automl": func() *shape { return object("automlStep", autoMLFields(), fields(opt("outputs", mapOf(jobOutput())))) },
		"pipeline": func() *shape {
			return componentStep("pipelineStep", fields(
				lazy("jobs", func() *shape { return mapOf(pipelineStep()) }), opt("settings", pipelineSettings())))
		},
		"import": func() *shape {
			return object("importStep", stepHead(), fields(opt("source", anyMap()), opt("output", anyMap())))
		},
		"data_transfer": func() *shape {
			return object("transferStep", stepHead(), fields(opt("task", str()), opt("source", anyMap()), opt("sink", anyMap()), opt("data_copy_mode", str()), opt("component", str())))
		},
		"if_else": func() *shape {
			return object("ifElseStep", stepHead(), fields(req("condition", literal()), opt("true_block", literal()), opt("false_block", literal())))
		},
		"do_while": func() *shape {
			return object("doWhileStep", stepHead(), fields(req("body", literal()), opt("condition", literal()), opt("mapping", anyMap())))
		},
		"parallel_for": func() *shape {
			return object("parallelForStep", stepHead(), fields(req("body", literal()), opt("items", anything())))
		},
	}
	return &shape{name: "step", by: &discriminator{key: "type", cases: cases, none: cases["command"]}}
}

func commandStepFields() []field { return optional(commandFields()) }

// optional returns the fields with none required: a component may give them.
func optional(list []field) []field {
	out := make([]field, len(list))
	for i, f := range list {
		f.required = false
		out[i] = f
	}
	return out
}

func stepHead() []field {
	return append(jobHead(),
		opt("type", str()), opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())),
		opt("limits", sweepLimits()), opt("resources", resources()), opt("retry_settings", retrySettings()),
		opt("is_deterministic", boolean()), opt("version", literal()), opt("settings", anyMap()))
}

// componentStep is a step that may name a component, by reference, by file or in
// place.
func componentStep(name string, own []field) *shape {
	head := stepHead()
	seen := map[string]bool{}
	for _, f := range own {
		seen[f.name] = true
	}
	var list []field
	for _, f := range head {
		if !seen[f.name] {
			list = append(list, f)
		}
	}
	component := func() *shape {
		return str().or(&shape{by: &discriminator{key: "type", none: commandComponentLoose, cases: map[string]func() *shape{
			"command": commandComponentLoose, "parallel": parallelComponent, "pipeline": pipelineComponent,
			"pipeline_component": pipelineComponent, "spark": sparkComponent,
		}}})
	}
	return object(name, list, own, fields(lazy("component", component))).checked(stepRules)
}

// commandComponentLoose is a command component in place: it needs no name.
func commandComponentLoose() *shape { return commandComponent() }

func autoMLFields() []field {
	tasks := []string{"classification", "regression", "forecasting", "image_classification", "image_classification_multilabel",
		"image_object_detection", "image_instance_segmentation", "text_classification", "text_classification_multilabel", "text_ner"}
	data := str().or(object("", fields(opt("path", str()), opt("type", enum(dataTypes...)), opt("mode", readModes()))))
	return append(jobHead(),
		opt("type", enum("automl")), req("task", enum(tasks...)), opt("primary_metric", str()), req("training_data", data),
		opt("validation_data", data), opt("test_data", data), opt("target_column_name", str()), opt("validation_data_size", number()),
		opt("test_data_size", number()), opt("cv_split_column_names", listOf(str())), opt("weight_column_name", str()),
		opt("n_cross_validations", literal()), opt("log_verbosity", enum("not_set", "debug", "info", "warning", "error", "critical")),
		opt("featurization", anyMap().or(str())), opt("forecasting", anyMap()), opt("training", anyMap()), opt("training_parameters", anyMap()),
		opt("limits", anyMap()), opt("sweep", anyMap()), opt("search_space", anything()), opt("resources", resources()),
		opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())), opt("environment_variables", textMap()),
		opt("positive_label", literal()), opt("extra_arguments", anything()))
}

func autoMLJob() *shape { return object("autoMLJob", autoMLFields()) }
