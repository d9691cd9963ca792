//! What the built gateway does, seen from the outside: one module for each behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    reason = "what goes wrong here has to stop the test"
)]

mod asks;
mod built;
mod catalogue;
mod claude_code;
mod client_install;
mod clients;
mod commands;
mod concurrency;
mod conformance;
mod dashboard;
mod doctor;
mod elicit;
mod embedding;
mod endings;
mod everything;
mod filters;
mod golden;
mod grants;
mod guests;
mod hostile;
mod hot_reload;
mod hot_swap;
mod http;
mod http_auth;
mod http_faults;
mod http_jwt;
mod http_modern;
mod import;
mod js_plugin;
mod lifecycle;
mod lock;
mod lock_servers;
mod malformed;
mod matrix;
mod meta_roles;
mod meta_tools;
mod metrics;
mod mistakes;
mod modern;
mod nested;
mod oci;
mod overlay;
mod packaging;
mod passthrough;
mod pipelines;
mod pipelines_kept;
mod plain_functions;
mod plugin_limits;
mod plugin_new;
mod plugin_resources;
mod plugin_test;
mod python_plugin;
mod quick_starts;
mod registering;
mod rest;
mod rest_logs;
mod rest_roles;
mod revisions;
mod roles;
mod running;
mod rust_sdk;
mod sandbox;
mod search;
mod secrets;
mod shared;
mod signatures;
mod storage;
mod update;
mod upstream_http;
mod upstream_huge;
mod upstream_modern;
mod upstream_oauth;
mod upstream_sse;
mod warm;
