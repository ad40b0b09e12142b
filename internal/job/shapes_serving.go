package job

func versioned() []field { return append(head(), opt("version", literal()), opt("stage", str())) }

func environmentAsset() *shape {
	return object("environmentAsset", environmentInline()).checked(environmentRules)
}

func dataAsset() *shape {
	return object("data", versioned(), fields(
		opt("type", enum("uri_file", "uri_folder", "mltable")), req("path", str()), opt("datastore", str()), opt("auto_delete_setting", anyMap()),
		ignored("skip_validation"), ignored("mltable_schema_url"),
	)).checked(func(c *checker, a at) { needName(c, a); c.missing(a.child("path")) })
}

func dataImport() *shape {
	return object("dataImport", versioned(), fields(
		opt("type", enum("uri_folder", "mltable")), req("path", str()), opt("auto_delete_setting", anyMap()),
		req("source", object("", fields(
			opt("type", enum("database", "file_system")), req("connection", str()), opt("query", str()), opt("path", str()),
			opt("stored_procedure", str()), opt("stored_procedure_params", anything()))))))
}

func modelAsset() *shape {
	return object("model", versioned(), fields(
		opt("type", enum("custom_model", "mlflow_model", "triton_model")), opt("path", str()), opt("flavors", anyMap()), opt("datastore", str()),
		opt("job_name", str()), opt("utc_time_created", str()), opt("system_metadata", anyMap()), opt("intellectual_property", anyMap()),
	)).checked(func(c *checker, a at) { c.missing(a.child("path")) })
}

func modelReference() *shape { return str().or(modelAsset()) }

func modelPackage() *shape {
	return object("modelVersionPackage", versioned(), fields(
		opt("target_environment", str().or(anyMap())), opt("target_environment_name", str()), opt("target_environment_version", literal()),
		opt("base_environment_source", anyMap()), req("inferencing_server", anyMap()), opt("model_configuration", anyMap()),
		opt("inputs", anything()), opt("environment_variables", textMap())))
}

func endpointFields() []field {
	return append(head(),
		opt("auth_mode", enum("key", "aml_token", "aad_token")), opt("identity", identity()), opt("location", str()),
		opt("public_network_access", enum("enabled", "disabled")), opt("type", str()),
		ignored("scoring_uri"), ignored("openapi_uri"), ignored("swagger_uri"), ignored("kind"))
}

func percentages() *shape { return mapOf(integer().atLeast(0).atMost(100)) }

func onlineEndpoint(name string, more ...field) *shape {
	return object(name, endpointFields(), fields(opt("traffic", percentages()), opt("mirror_traffic", percentages())), more).checked(endpointRules)
}

func managedEndpoint() *shape { return onlineEndpoint("managedOnlineEndpoint") }

func kubeEndpoint() *shape {
	return onlineEndpoint("kubernetesOnlineEndpoint", opt("compute", str()))
}

func batchEndpoint() *shape {
	return object("batchEndpoint", endpointFields(), fields(
		opt("defaults", object("", fields(opt("deployment_name", str())))))).checked(endpointRules)
}

func probe() *shape {
	return object("probe", fields(
		opt("initial_delay", integer().atLeast(0)), opt("period", integer().atLeast(1)), opt("timeout", integer().atLeast(1)),
		opt("success_threshold", integer().atLeast(1)), opt("failure_threshold", integer().atLeast(1)),
		opt("path", str()), opt("port", integer()), opt("scheme", str()), opt("method", str())))
}

func codeConfiguration() *shape {
	return object("codeConfiguration", fields(opt("code", str()), opt("scoring_script", str())))
}

func deploymentFields() []field {
	requests := object("", fields(
		opt("request_timeout_ms", integer().atLeast(1)), opt("max_concurrent_requests_per_instance", integer().atLeast(1)), opt("max_queue_wait_ms", integer().atLeast(0))))
	collection := object("", fields(opt("enabled", literal()), opt("sampling_rate", number()), opt("data", str().or(anyMap())), opt("client_id", str())))
	collector := object("dataCollector", fields(
		opt("collections", mapOf(collection)), opt("rolling_rate", enum("minute", "hour", "day", "month", "year")), opt("sampling_rate", number()),
		opt("destination", anyMap()), opt("request_logging", anyMap())))
	return append(head(),
		opt("endpoint_name", str()), opt("type", str()), opt("model", modelReference()), opt("code_configuration", codeConfiguration()),
		opt("environment", environmentShape()), opt("environment_variables", textMap()), opt("app_insights_enabled", boolean()),
		opt("request_settings", requests), opt("liveness_probe", probe()), opt("readiness_probe", probe()), opt("startup_probe", probe()),
		opt("scale_settings", scaleSettings()), opt("instance_count", integer().atLeast(0)), opt("instance_type", str()),
		opt("data_collector", collector), opt("model_mount_path", str()), opt("package_model", boolean()), opt("private_network_connection", boolean()),
		opt("with_package", boolean()), opt("location", str()))
}

func scaleSettings() *shape {
	return &shape{by: &discriminator{key: "type", cases: map[string]func() *shape{
		"default": always(object("", fields(opt("type", str())))),
		"target_utilization": always(object("", fields(
			opt("type", str()), opt("min_instances", integer().atLeast(0)), opt("max_instances", integer().atLeast(1)),
			opt("polling_interval", integer().atLeast(1)), opt("target_utilization_percentage", integer().atLeast(1).atMost(100))))),
	}}}
}

func managedDeployment() *shape {
	return object("managedOnlineDeployment", deploymentFields(), fields(
		opt("egress_public_network_access", enum("enabled", "disabled")))).checked(deploymentRules)
}

func kubeDeployment() *shape {
	return object("kubernetesOnlineDeployment", deploymentFields(), fields(
		opt("resources", anyMap()))).checked(deploymentRules)
}

func batchFields() []field {
	return fields(
		opt("mini_batch_size", integer().atLeast(1)), opt("max_concurrency_per_instance", integer().atLeast(1)),
		opt("output_action", enum("append_row", "summary_only")), opt("output_file_name", str()), opt("error_threshold", integer().atLeast(-1)),
		opt("retry_settings", retrySettings()), opt("logging_level", enum("warning", "info", "debug")), opt("environment_variables", textMap()))
}

func batchDeployment(name string) func() *shape {
	return func() *shape {
		return object(name, head(), batchFields(), fields(
			opt("endpoint_name", str()), opt("type", enum("model", "pipeline")), opt("model", modelReference()), opt("component", str().or(anyMap())),
			opt("code_configuration", codeConfiguration()), opt("environment", environmentShape()), opt("compute", str()),
			opt("resources", resources()), opt("job_definition", str().or(anyMap())),
			opt("settings", object("batchSettings", batchFields(), pipelineSettings().fields, fields(opt("default_compute", str())))),
		)).checked(batchRules)
	}
}

// schedule

func schedule() *shape {
	action := func() *shape {
		return str().or(&shape{by: &discriminator{key: "type", none: always(anyMap()), cases: map[string]func() *shape{
			"command": scheduledJob, "pipeline": scheduledJob, "sweep": scheduledJob, "spark": scheduledJob,
		}}})
	}
	return object("schedule", head(), fields(
		req("trigger", trigger()), lazy("create_job", action), opt("create_monitor", str().or(anyMap())), opt("import_data", str().or(anyMap())),
		opt("is_enabled", boolean()),
	)).checked(scheduleRules)
}

// scheduledJob is a job in place, or one that refers to another and changes some
// of its fields.
func scheduledJob() *shape {
	return object("scheduledJob", stepHead(), optional(commandFields()), fields(
		opt("job", str()), lazy("jobs", func() *shape { return mapOf(pipelineStep()) }), opt("name", str())))
}

func trigger() *shape {
	texts := str().or(listOf(str()))
	whole := integer().or(listOf(integer()))
	common := fields(opt("type", str()), opt("start_time", str()), opt("end_time", str()), opt("time_zone", str()))
	return (&shape{name: "trigger", by: &discriminator{key: "type", cases: map[string]func() *shape{
		"cron": always(object("", common, fields(req("expression", str())))),
		"recurrence": always(object("", common, fields(
			req("frequency", enum("minute", "hour", "day", "week", "month")), req("interval", integer().atLeast(1)),
			opt("schedule", object("", fields(opt("hours", whole), opt("minutes", whole), opt("week_days", texts), opt("weekdays", texts), opt("month_days", whole))))))),
	}}}).checked(triggerRules)
}
