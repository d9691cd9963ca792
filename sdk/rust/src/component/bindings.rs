//! What `wit-bindgen` makes of the WIT: the imports once, and each export in a module of its own.
//!
//! What a component exports stands in a custom section that comes with the macro of that export, so a component carries
//! and offers exactly what `export!` names. Of the imports it keeps those that it calls.

#![allow(unsafe_code, reason = "the canonical ABI: generated code reads and writes the component's linear memory")]
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]

pub mod tool {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "plugin",
        // Types that the other exports use are wanted here too, so that all of them share one set.
        generate_unused_types: true,
        pub_export_macro: true,
        export_macro_name: "export_tool",
        default_bindings_module: "gateway_sdk::__private::bindings::tool",
    });
}

pub mod storage {
    wit_bindgen::generate!({ path: "../../wit", world: "storage", generate_all });
}

macro_rules! exports {
    ($name:ident, $world:literal, $export:literal, $module:literal) => {
        pub mod $name {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: {
                    "gateway:plugin/host@0.1.0": crate::component::bindings::tool::gateway::plugin::host,
                    "gateway:plugin/types@0.1.0": crate::component::bindings::tool::gateway::plugin::types,
                },
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $module,
            });
        }
    };
}

exports!(resources, "resource-provider", "export_resources", "gateway_sdk::__private::bindings::resources");
exports!(prompts, "prompt-provider", "export_prompts", "gateway_sdk::__private::bindings::prompts");
exports!(completions, "completion-provider", "export_completions", "gateway_sdk::__private::bindings::completions");
exports!(filter, "filter-plugin", "export_filter", "gateway_sdk::__private::bindings::filter");
