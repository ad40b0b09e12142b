package job

// declaredInput is an input as a component declares it.
func declaredInput() *shape {
	types := append([]string{"integer", "number", "string", "boolean", "path", "group"}, dataTypes...)
	return object("declaredInput", fields(
		req("type", enum(types...)), opt("default", literal().or(anyMap())), opt("optional", boolean()), opt("description", str()),
		opt("enum", listOf(literal())), opt("min", number()), opt("max", number()), opt("mode", readModes()), opt("path", str()),
		opt("datastore", str()), opt("properties", anyMap()),
	)).checked(declaredRules)
}

func declaredOutput() *shape {
	return object("declaredOutput", fields(
		opt("type", enum(append([]string{"boolean", "integer", "number", "string", "path"}, dataTypes...)...)), opt("description", str()),
		opt("mode", enum("rw_mount", "mount", "upload", "direct", "ro_mount")), opt("path", str()), opt("is_control", boolean()),
		opt("early_available", boolean()), opt("name", str()), opt("version", literal())))
}

func anyMap() *shape { return &shape{values: always(anything())} }

func componentHead(types ...string) []field {
	return append(head(),
		opt("version", literal()), opt("type", enum(types...)), opt("is_deterministic", boolean()),
		opt("inputs", mapOf(declaredInput())), opt("outputs", mapOf(declaredOutput())), opt("intellectual_property", anyMap()))
}

func commandComponent() *shape {
	return object("commandComponent", componentHead("command"), commandFields(), fields(
		opt("additional_includes", listOf(str().or(anyMap()))), opt("retry_settings", retrySettings()),
		opt("limits", jobLimits()), opt("identity", identity()), opt("services", anyMap()),
	)).checked(commandExpressions)
}

func parallelFields() []field {
	return fields(
		req("task", parallelTask()), opt("mini_batch_size", literal()), opt("mini_batch_error_threshold", integer().atLeast(-1)),
		opt("error_threshold", integer().atLeast(-1)), opt("logging_level", enum("WARNING", "INFO", "DEBUG")),
		opt("max_concurrency_per_instance", integer().atLeast(1)), opt("partition_keys", listOf(str()).or(str())),
		opt("input_data", str()), opt("retry_settings", retrySettings()), opt("resources", resources()),
		opt("environment_variables", textMap()), opt("code", str()))
}

func parallelTask() *shape {
	return object("parallelTask", fields(
		opt("type", enum("run_function", "function", "model")), opt("code", str()), opt("entry_script", str()),
		opt("environment", environmentShape()), opt("program_arguments", str()), opt("append_row_to", str()), opt("model", str().or(anyMap()))))
}

func parallelComponent() *shape {
	return object("parallelComponent", componentHead("parallel"), parallelFields()).checked(parallelExpressions)
}

func sparkFields() []field {
	texts := str().or(listOf(str()))
	sparkKeys := fields()
	for _, n := range []string{"driver_cores", "executor_cores", "executor_instances", "dynamic_allocation_min_executors", "dynamic_allocation_max_executors"} {
		sparkKeys = append(sparkKeys, opt(n, integer().atLeast(1)))
	}
	return append(sparkKeys,
		req("entry", object("", fields(opt("file", str()), opt("class_name", str())))), opt("code", str()), opt("args", str()),
		opt("py_files", texts), opt("jars", texts), opt("files", texts), opt("archives", texts), opt("conf", mapOf(literal())),
		opt("driver_memory", str()), opt("executor_memory", str()), opt("dynamic_allocation_enabled", boolean()),
		opt("environment", environmentShape()), opt("resources", resources()), opt("environment_variables", textMap()))
}

func sparkJob() *shape {
	return object("sparkJob", jobHead(), sparkFields(), fields(
		opt("type", enum("spark")), opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())), opt("limits", jobLimits()),
	)).checked(sparkExpressions)
}

func sparkComponent() *shape {
	return object("sparkComponent", componentHead("spark"), sparkFields(), fields(opt("additional_includes", listOf(str())))).checked(sparkExpressions)
}

func pipelineComponent() *shape {
	return object("pipelineComponent", componentHead("pipeline", "pipeline_component"), fields(
		lazy("jobs", func() *shape { return mapOf(pipelineStep()) }), opt("settings", pipelineSettings()), opt("source_job_id", str()),
	)).checked(pipelineRules)
}
