//! What plugins in Python are written with.

use super::{Carried, carried};

/// The package `gateway_sdk`.
pub const SDK: &[Carried] = carried!("carried/python":
    "__init__.py",
    "_backend.py",
    "_build.py",
    "_component.py",
    "_component_filter.py",
    "_component_storage.py",
    "_docs.py",
    "_filters.py",
    "_json.py",
    "_plugin.py",
    "_preload.py",
    "_prompts.py",
    "_random.py",
    "_rehearsal.py",
    "_resources.py",
    "_signature.py",
    "_tools.py",
    "_types.py",
    "content.py",
    "errors.py",
    "host.py",
    "py.typed",
    "storage.py",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_package_is_carried() {
        super::super::tests::assert_complete(SDK, "carried/python", &[".py", "py.typed"]);
    }
}
