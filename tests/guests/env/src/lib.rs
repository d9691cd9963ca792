//! Shows what surrounds it.

use std::collections::BTreeMap;

use gateway_sdk::{Json, tool};

/// Show the environment.
#[tool]
fn environment() -> Json<BTreeMap<String, String>> {
    Json(std::env::vars().collect())
}

/// Show the arguments of the process.
#[tool]
fn arguments() -> Json<Vec<String>> {
    Json(std::env::args().collect())
}

/// Read standard input to its end.
#[tool]
fn input() -> Result<String, String> {
    std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string())
}

gateway_sdk::export!(environment, arguments, input);
