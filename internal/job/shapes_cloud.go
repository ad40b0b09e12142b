package job

// Documents that only a cloud workspace has: understood, so that they can be
// checked, and not run on this machine.

func datastore() *shape {
	return object("datastore", head(), fields(
		req("type", enum("azure_blob", "azure_file", "azure_data_lake_gen1", "azure_data_lake_gen2", "one_lake", "hdfs")),
		opt("account_name", str()), opt("container_name", str()), opt("file_share_name", str()), opt("filesystem", str()), opt("store_name", str()),
		opt("endpoint", str()), opt("protocol", str()), opt("one_lake_workspace_name", str()), opt("artifact", anyMap()),
		opt("credentials", object("", fields(
			opt("account_key", str()), opt("sas_token", str()), opt("tenant_id", str()), opt("client_id", str()), opt("client_secret", str()),
			opt("resource_url", str()), opt("authority_url", str()), opt("certificate", str()), opt("thumbprint", str())))),
	)).checked(datastoreRules)
}

func workspace() *shape {
	return object("workspace", head(), fields(
		opt("location", str()), opt("resource_group", str()), opt("storage_account", str()), opt("container_registry", str()), opt("key_vault", str()),
		opt("application_insights", str()), opt("image_build_compute", str()), opt("hbi_workspace", boolean()),
		opt("public_network_access", enum("enabled", "disabled")), opt("customer_managed_key", anyMap()), opt("identity", identity()),
		opt("primary_user_assigned_identity", str()), opt("managed_network", anyMap()), opt("system_datastores_auth_mode", str()),
		opt("feature_store_settings", anyMap()), opt("kind", str()), opt("hub_id", str()), opt("enable_data_isolation", boolean()), opt("serverless_compute", anyMap()),
		opt("allow_roleassignment_on_rg", boolean()), ignored("discovery_url"), ignored("mlflow_tracking_uri"),
	)).checked(needName)
}

func connection() *shape {
	return object("connection", head(), fields(
		req("type", str()), opt("target", str()), opt("credentials", anyMap()), opt("api_base", str()), opt("api_key", str()), opt("api_type", str()),
		opt("api_version", literal()), opt("azure_endpoint", str()), opt("is_shared", boolean()), opt("metadata", anyMap()), opt("endpoint", str()),
		opt("open_ai_resource_id", str()), opt("ai_services_resource_id", str()))).checked(needName)
}

func computeInstance() *shape {
	action := object("", fields(req("action", enum("start", "stop")), opt("state", enum("enabled", "disabled")), opt("trigger", trigger()), opt("schedule", anyMap())))
	return object("computeInstance", head(), fields(
		opt("type", enum("computeinstance")), opt("size", str()), opt("location", str()), opt("identity", identity()),
		opt("ssh_settings", anyMap()), opt("ssh_public_access_enabled", boolean()), opt("network_settings", anyMap()), opt("create_on_behalf_of", anyMap()),
		opt("idle_time_before_shutdown", str()), opt("idle_time_before_shutdown_minutes", integer()), opt("setup_scripts", anyMap()),
		opt("schedules", object("", fields(opt("compute_start_stop", listOf(action))))), opt("enable_node_public_ip", boolean()), opt("custom_applications", anything()),
		opt("enable_sso", boolean()), opt("enable_root_access", boolean()), opt("release_quota_on_stop", boolean()),
	)).checked(needName)
}

func vmCompute() *shape {
	return object("vmCompute", head(), fields(
		opt("type", enum("virtualmachine")), req("resource_id", str()), opt("location", str()), opt("identity", identity()),
		opt("ssh_settings", object("", fields(opt("admin_username", str()), opt("admin_password", str()), opt("ssh_port", integer()), opt("ssh_private_key_file", str()))))))
}

func featureSet() *shape {
	return object("featureSet", versioned(), fields(
		req("specification", str().or(object("", fields(req("path", str()))))), req("entities", listOf(str())),
		opt("materialization_settings", anyMap())))
}

func featureStore() *shape {
	return object("featureStore", head(), fields(
		opt("location", str()), opt("compute_runtime", anyMap()), opt("offline_store", anyMap()), opt("online_store", anyMap()),
		opt("materialization_identity", anyMap()), opt("resource_group", str()), opt("identity", identity()), opt("storage_account", str()),
		opt("container_registry", str()), opt("key_vault", str()), opt("application_insights", str()), opt("hbi_workspace", boolean()),
		opt("public_network_access", str()), opt("customer_managed_key", anyMap()), opt("managed_network", anyMap())))
}

func featureStoreEntity() *shape {
	column := object("", fields(req("name", str()), req("type", str())))
	return object("featureStoreEntity", versioned(), fields(req("index_columns", listOf(column))))
}

func flow() *shape {
	return object("flow", head(), fields(
		opt("type", str()), opt("inputs", anyMap()), opt("outputs", anyMap()), opt("nodes", listOf(anyMap())), opt("node_variants", anyMap()),
		opt("environment", anyMap()), opt("path", str()), opt("environment_variables", textMap()), opt("additional_includes", listOf(str())),
		opt("language", str()), opt("entry", str()), opt("sample", anyMap()), opt("init", anyMap())))
}

func flowRun() *shape {
	return object("flowRun", head(), fields(
		opt("flow", str()), opt("run", str()), opt("data", str()), opt("column_mapping", anyMap()), opt("variant", str()),
		opt("connections", anyMap()), opt("environment_variables", textMap()), opt("resources", anyMap()), opt("identity", anyMap()), opt("type", str())))
}
