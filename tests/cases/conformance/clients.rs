//! The suite's scenarios for clients: what the gateway says to a server, with the Python SDK behind it saying what to say.

use std::collections::BTreeSet;

use gateway_tests::{
    conformance::{Report, Scenario, client_scenarios},
    place,
};

const STABLE: &str = "conformance-stable";
const NEXT: &str = "conformance-next";

const fn scenario(package: &'static str, revision: &'static str, name: &'static str, passes: usize) -> Scenario {
    Scenario { package, name, revision: Some(revision), passes }
}

const fn extension(name: &'static str, passes: usize) -> Scenario {
    Scenario { package: NEXT, name, revision: None, passes }
}

/// What the suite finds at the SDK itself, which does everything right.
#[track_caller]
fn directly(scenario: Scenario) -> Report {
    let report = scenario.with(None);
    assert_eq!(report.failures(), Vec::<String>::new());
    assert_eq!((report.code, report.passed().len()), (0, scenario.passes), "{}", report.printed);
    report
}

/// Checks of what a client says of itself, in a scenario without a tool: the gateway discovers and lists for all, and says
/// who asks when somebody calls.
const OF_CALLS: [(&str, &str); 3] = [
    ("request-metadata", "sep-2575-client-declares-roots-capability"),
    ("request-metadata", "sep-2575-client-declares-sampling-capability"),
    ("request-metadata", "sep-2575-client-declares-elicitation-capability"),
];

/// At the SDK behind a gateway each check has to pass that passes without, though not as often: the gateway lists, and logs
/// in, when it thinks fit.
#[track_caller]
fn through_the_gateway(scenario: Scenario) {
    let through = scenario.with(Some(&place::gateway()));
    assert_eq!(through.failures(), Vec::<String>::new(), "{}", through.printed);
    assert_eq!(through.code, 0, "{}", through.printed);
    // Which checks those are does not change, so their number tells; only where it is another are they looked at.
    if through.passed().len() != scenario.passes {
        let direct = directly(scenario);
        let (all, through_passed) = (direct.passed(), through.passed());
        let missing = all.difference(&through_passed).filter(|(check, _)| !OF_CALLS.contains(&(scenario.name, *check)));
        let missing: Vec<_> = missing.copied().collect();
        assert!(missing.is_empty(), "not checked through the gateway: {missing:?}\n{}", through.printed);
    }
}

/// A table of scenarios, and a test of each.
macro_rules! scenarios {
    ($(#[$doc:meta])* $table:ident $module:ident, $($name:ident: $scenario:expr,)*) => {
        $(#[$doc])*
        const $table: &[Scenario] = &[$($scenario),*];

        mod $module {
            use super::*;
            $(#[test] fn $name() { through_the_gateway($scenario); })*
        }
    };
}

scenarios! {
    /// Those with sessions.
    SESSIONS sessions,
    stable_initialize: scenario(STABLE, "2025-11-25", "initialize", 1),
    stable_tools_call: scenario(STABLE, "2025-11-25", "tools_call", 1),
    stable_elicitation_sep1034_client_defaults: scenario(STABLE, "2025-11-25", "elicitation-sep1034-client-defaults", 5),
    stable_sse_retry: scenario(STABLE, "2025-11-25", "sse-retry", 3),
    initialize_2025_06_18: scenario(NEXT, "2025-06-18", "initialize", 1),
    tools_call_2025_06_18: scenario(NEXT, "2025-06-18", "tools_call", 2),
    initialize_2025_11_25: scenario(NEXT, "2025-11-25", "initialize", 1),
    tools_call_2025_11_25: scenario(NEXT, "2025-11-25", "tools_call", 2),
    elicitation_sep1034_client_defaults: scenario(NEXT, "2025-11-25", "elicitation-sep1034-client-defaults", 5),
    sse_retry: scenario(NEXT, "2025-11-25", "sse-retry", 3),
    json_schema_2020_12_preservation: scenario(NEXT, "2025-11-25", "json-schema-2020-12-preservation", 9),
}

scenarios! {
    /// Those without, and an extension, which stands beside the revisions.
    STATELESS stateless,
    request_metadata: scenario(NEXT, "2026-07-28", "request-metadata", 8),
    tools_call: scenario(NEXT, "2026-07-28", "tools_call", 2),
    sep_2322_client_request_state: scenario(NEXT, "2026-07-28", "sep-2322-client-request-state", 5),
    http_standard_headers: scenario(NEXT, "2026-07-28", "http-standard-headers", 9),
    http_custom_headers: scenario(NEXT, "2026-07-28", "http-custom-headers", 18),
    http_invalid_tool_headers: scenario(NEXT, "2026-07-28", "http-invalid-tool-headers", 12),
    json_schema_ref_no_deref: scenario(NEXT, "2026-07-28", "json-schema-ref-no-deref", 1),
    json_schema_2020_12_preservation: scenario(NEXT, "2026-07-28", "json-schema-2020-12-preservation", 9),
    sep_2640_client_no_prefetch: extension("sep-2640-client-no-prefetch", 1),
}

scenarios! {
    /// Those that begin with a login, in the newest revision that has them.
    LOGINS logins,
    metadata_default: scenario(NEXT, "2026-07-28", "auth/metadata-default", 16),
    metadata_var1: scenario(NEXT, "2026-07-28", "auth/metadata-var1", 16),
    metadata_var2: scenario(NEXT, "2026-07-28", "auth/metadata-var2", 16),
    metadata_var3: scenario(NEXT, "2026-07-28", "auth/metadata-var3", 16),
    metadata_issuer_mismatch: scenario(NEXT, "2026-07-28", "auth/metadata-issuer-mismatch", 3),
    authorization_server_migration: scenario(NEXT, "2026-07-28", "auth/authorization-server-migration", 14),
    resource_mismatch: scenario(NEXT, "2026-07-28", "auth/resource-mismatch", 2),
    scope_from_scopes_supported: scenario(NEXT, "2026-07-28", "auth/scope-from-scopes-supported", 12),
    scope_from_www_authenticate: scenario(NEXT, "2026-07-28", "auth/scope-from-www-authenticate", 12),
    scope_step_up: scenario(NEXT, "2026-07-28", "auth/scope-step-up", 14),
    scope_omitted_when_undefined: scenario(NEXT, "2026-07-28", "auth/scope-omitted-when-undefined", 12),
    scope_retry_limit: scenario(NEXT, "2026-07-28", "auth/scope-retry-limit", 11),
    offline_access_scope: scenario(NEXT, "2026-07-28", "auth/offline-access-scope", 10),
    offline_access_not_supported: scenario(NEXT, "2026-07-28", "auth/offline-access-not-supported", 12),
    pre_registration: scenario(NEXT, "2026-07-28", "auth/pre-registration", 10),
    token_endpoint_auth_basic: scenario(NEXT, "2026-07-28", "auth/token-endpoint-auth-basic", 17),
    token_endpoint_auth_post: scenario(NEXT, "2026-07-28", "auth/token-endpoint-auth-post", 17),
    token_endpoint_auth_none: scenario(NEXT, "2026-07-28", "auth/token-endpoint-auth-none", 17),
    iss_supported: scenario(NEXT, "2026-07-28", "auth/iss-supported", 12),
    iss_not_advertised: scenario(NEXT, "2026-07-28", "auth/iss-not-advertised", 12),
    iss_supported_missing: scenario(NEXT, "2026-07-28", "auth/iss-supported-missing", 8),
    iss_wrong_issuer: scenario(NEXT, "2026-07-28", "auth/iss-wrong-issuer", 8),
    iss_unexpected: scenario(NEXT, "2026-07-28", "auth/iss-unexpected", 8),
    iss_normalized: scenario(NEXT, "2026-07-28", "auth/iss-normalized", 8),
    of_2025_03_26_metadata_backcompat: scenario(NEXT, "2025-03-26", "auth/2025-03-26-oauth-metadata-backcompat", 9),
    of_2025_03_26_endpoint_fallback: scenario(NEXT, "2025-03-26", "auth/2025-03-26-oauth-endpoint-fallback", 4),
}

/// Those that say nothing about the gateway, or that it cannot pass, and why.
const WITHOUT: [(&str, &str); 11] = [
    ("auth/basic-cimd", "the gateway has no place on the web where a document that describes it could stand"),
    ("auth/client-credentials-basic", "an extension: machines that log in with a secret put it into `headers`"),
    ("auth/client-credentials-jwt", "an extension: the gateway holds no key that an issuer would know"),
    ("auth/cross-app-access-complete-flow", "an extension: it wants a company's identity provider"),
    ("auth/dpop", "an extension: the gateway's tokens are bearer tokens"),
    ("auth/dpop-nonce", "an extension: the gateway's tokens are bearer tokens"),
    ("auth/enterprise-managed-authorization", "an extension: it wants a company's identity provider"),
    ("auth/wif-jwt-bearer", "an extension: it wants the identity that a cloud gives to a workload"),
    ("sep-2640-client-verify-digest", "who loads a skill verifies it: the gateway only passes it on"),
    ("sep-2640-client-verify-frontmatter", "who loads a skill verifies it: the gateway only passes it on"),
    ("sep-2640-client-verify-size", "who loads a skill verifies it: the gateway only passes it on"),
];

/// A scenario that a new version of the suite brings needs a line in one of the tables.
#[test]
fn every_scenario_is_known() {
    let run = [SESSIONS, STATELESS, LOGINS].concat();
    let known: BTreeSet<_> = run.iter().map(|scenario| scenario.name).chain(WITHOUT.map(|(name, _)| name)).collect();
    let named: Vec<_> = [STABLE, NEXT].into_iter().flat_map(client_scenarios).collect();
    let all: BTreeSet<_> = named.iter().map(String::as_str).collect();
    assert_eq!(known, all);
}
