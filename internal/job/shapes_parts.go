package job

// The parts that several kinds of document share.

var dataTypes = []string{"uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"}

func readModes() *shape {
	return enum("ro_mount", "rw_mount", "download", "direct", "eval_mount", "eval_download", "upload")
}

func assetName() *shape { return str().says("letters, digits, `-`, `_` and `.`") }

func textMap() *shape { return &shape{values: always(literal())} }

// head lists the fields that every asset and job has.
func head() []field {
	return fields(
		opt("$schema", str().says("URL of the schema; its last part tells the kind")),
		opt("name", assetName()), opt("display_name", str()), opt("description", str()),
		opt("tags", textMap()), opt("properties", textMap()),
		ignored("id"), ignored("status"), ignored("creation_context"), ignored("log_files"),
		ignored("provisioning_state"), ignored("resourceGroup"), ignored("job_type"),
	)
}

// jobHead lists the fields that every job has besides.
func jobHead() []field {
	return append(head(),
		opt("experiment_name", str()), opt("compute", str().says("cluster to run on")),
		opt("services", mapOf(object("", fields(
			opt("type", str()), opt("job_service_type", str()), opt("nodes", literal()), opt("port", integer()),
			opt("properties", mapOf(literal())), opt("ssh_public_keys", str()), opt("log_dir", str()),
			ignored("endpoint"), ignored("status"), ignored("error_message"))))),
		opt("identity", identity()), opt("queue_settings", object("", fields(
			opt("job_tier", enum("spot", "basic", "standard", "premium", "null")), opt("priority", enum("low", "medium", "high"))))),
		opt("notification_settings", anything()),
	)
}

func identity() *shape {
	return object("identity", fields(
		req("type", enum("aml_token", "managed_identity", "managed", "user_identity", "system_assigned", "user_assigned", "system_assigned,user_assigned", "none")),
		opt("client_id", str()), opt("object_id", str()), opt("resource_id", str()), opt("msi_resource_id", str()),
		opt("user_assigned_identities", anything())))
}

// jobInput is a literal, or data with a path; the fields of a component's
// declaration are taken too, with a warning.
func jobInput() *shape {
	return object("input", fields(
		opt("type", enum(append([]string{"integer", "number", "string", "boolean"}, dataTypes...)...)),
		opt("path", str()), opt("mode", readModes()), opt("value", literal()), opt("description", str()),
		opt("default", literal()), opt("optional", boolean()), opt("min", number()), opt("max", number()), opt("enum", listOf(literal())),
		opt("datastore", str()), opt("version", literal()), opt("path_on_compute", str()),
	)).or(literal()).checked(declaredInJob)
}

func declaredInJob(c *checker, a at) {
	if a.child("value").exists() || a.child("path").exists() {
		return
	}
	for _, key := range []string{"default", "min", "max", "enum", "optional"} {
		if v := a.child(key); v.exists() {
			c.warn(v, "write `"+lastKey(a.path)+": value`, or {value: …}; here the default is taken", "this declares an input as a component does; Azure ML refuses it in a job unless --set replaces it")
			return
		}
	}
}

func jobOutput() *shape {
	return object("output", fields(
		opt("type", enum(dataTypes...)), opt("path", str()),
		opt("mode", enum("rw_mount", "mount", "upload", "direct", "ro_mount")),
		opt("name", str()), opt("version", literal()), opt("description", str()), opt("path_on_compute", str()),
	)).or(str())
}

func environmentInline() []field {
	return append(head(),
		opt("version", literal()), opt("image", str()), opt("os_type", enum("linux", "windows")),
		opt("conda_file", str().or(&shape{any: true, values: always(anything())})),
		opt("build", object("", fields(opt("path", str()), opt("dockerfile_path", str())))),
		opt("inference_config", object("", fields(
			opt("liveness_route", route()), opt("readiness_route", route()), opt("scoring_route", route())))),
		opt("datastore", str()), opt("auto_delete_setting", anything()))
}

func route() *shape { return object("", fields(req("path", str()), req("port", integer()))) }

func environmentShape() *shape {
	return object("environment", environmentInline()).or(str())
}

func resources() *shape {
	texts := str().or(listOf(str()))
	return object("resources", fields(
		opt("instance_count", integer().atLeast(1)), opt("instance_type", texts), opt("shm_size", str()),
		opt("docker_args", texts), opt("properties", anything()), opt("locations", listOf(str())),
		opt("max_instance_count", integer().atLeast(1)), opt("runtime_version", literal())))
}

func distribution() *shape {
	per := opt("process_count_per_instance", integer().atLeast(1))
	d := &discriminator{key: "type", cases: map[string]func() *shape{
		"pytorch": always(object("", fields(opt("type", str()), per))),
		"mpi":     always(object("", fields(opt("type", str()), per))),
		"tensorflow": always(object("", fields(opt("type", str()),
			opt("worker_count", integer().atLeast(0)), opt("parameter_server_count", integer().atLeast(0))))),
		"ray": always(object("", fields(opt("type", str()), opt("port", integer()), opt("address", str()),
			opt("include_dashboard", boolean()), opt("dashboard_port", integer()),
			opt("head_node_additional_args", str()), opt("worker_node_additional_args", str())))),
	}}
	return &shape{by: d}
}

func jobLimits() *shape {
	return object("limits", fields(opt("timeout", integer().atLeast(1).says("seconds")))).or(anythingNull())
}

func anythingNull() *shape { return &shape{} }

func retrySettings() *shape {
	return object("retry_settings", fields(
		opt("max_retries", integer().atLeast(0)), opt("timeout", integer().atLeast(1).says("seconds"))))
}

// commandFields are those of a command, in a job, a step or a trial.
func commandFields() []field {
	return fields(
		req("command", str().says("command line; ${{inputs.x}} and ${{outputs.x}} are filled in")),
		opt("code", str().says("folder copied to each node, relative to this file")),
		opt("environment", environmentShape()), opt("environment_variables", textMap()),
		opt("resources", resources()), opt("distribution", distribution()))
}

func commandJob() *shape {
	return object("commandJob", jobHead(), commandFields(), fields(
		opt("type", enum("command")), opt("inputs", mapOf(jobInput())), opt("outputs", mapOf(jobOutput())),
		opt("limits", jobLimits()), opt("retry_settings", retrySettings()),
		opt("is_deterministic", boolean()), opt("parameters", anything()), opt("parent_job_name", str()),
	)).checked(commandExpressions)
}
