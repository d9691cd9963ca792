//! What the gateway tells about itself over HTTP, beside MCP.
//!
//! * [`health`]: whether it lives, takes requests, and how its servers are doing.
//! * [`api`]: everything under `/api`, described by `/api/openapi.json`: [`overview`], [`backends`], [`plugins`],
//!   [`pipelines`], [`tools`], [`roles`], [`sessions`], [`calls`], [`logs`]; and [`metrics`] for Prometheus.
//! * [`dashboard`]: the page at `/` that shows it to people.
//! * [`answer`]: how it is asked and answers. [`access`]: who may see and do what.

pub mod access;
pub mod answer;
pub mod api;
pub mod backends;
pub mod calls;
pub mod dashboard;
mod failures;
pub mod health;
pub mod logs;
pub mod metrics;
pub mod overview;
pub mod pipelines;
pub mod plugins;
pub mod roles;
pub mod sessions;
pub mod tools;
